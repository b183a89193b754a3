"""Offers of another protocol: none is taken up, so what follows them is read as HTTP/1.1."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.server.wire import BODY, FIT, LAST, conversation, raw, statuses

BOTH_LANES = True
PATHS = ("/score", "/models/small/score", "/models/small/versions/1/score",
         "/score?partial=true", "/livez", "/models", "/none")  # fmt: skip
# As curl and Java's client send it, and in other ways to say it.
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
OFFERS = {
    "h2c": H2C,
    "websocket": b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
    "TLS": b"Connection: upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n",
    "among others": b"UPGRADE: foo/2\r\nConnection: keep-alive, Upgrade\r\n",
    "with Expect": H2C + b"Expect: 100-continue\r\n",
    "of nothing": b"Connection: upgrade\r\nUpgrade:\r\n",
    "twice": b"Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n",
}
# What a POST whose body is no JSON gets there, by path; else 400.
PLAIN = {"/livez": 405, "/models": 405, "/none": 404}
SMUGGLED = b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n"


def request(
    offer: bytes, body: bytes = BODY, path: str = "/score", chunked: bool = False
) -> tuple[bytes, bytes]:
    """Return head and body of a POST that offers another protocol."""
    line = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    if not chunked:
        return line + offer + b"Content-Length: %d\r\n\r\n" % len(body), body
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:half], body[half:]) if p)
    return line + offer + b"Transfer-Encoding: chunked\r\n\r\n", parts + b"0\r\n\r\n"


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("offer", OFFERS)
def test_a_body_behind_an_offer_is_read_as_its_length_says(
    server: Running, offer: str, chunked: bool
) -> None:
    """Whether it comes with the head or later; and the connection goes on."""
    head, body = request(OFFERS[offer], chunked=chunked)
    for pieces in ([head + body + LAST], [head, body, LAST], [head[:-1], head[-1:] + body + LAST],
                   [head + body[:9], body[9:] + LAST]):  # fmt: skip
        assert statuses(conversation(server, *pieces)) == [200, 200]


@pytest.mark.parametrize("path", PATHS)
def test_no_body_behind_an_offer_is_a_request_of_its_own(server: Running, path: str) -> None:
    """One that looks like one is a body all the same, on every path."""
    for chunked in (False, True):
        head, body = request(H2C, SMUGGLED, path, chunked)
        plain = raw(server, b"".join(request(b"", SMUGGLED, path, chunked)) + LAST)
        assert statuses(plain) == [PLAIN.get(path, 400), 200]
        for pieces in ([head + body + LAST], [head, body + LAST]):
            assert statuses(conversation(server, *pieces)) == statuses(plain)


def test_many_offers_at_once_are_all_answered(server: Running) -> None:
    """Each makes a new parser, and none a deeper call."""
    one = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n"
    assert statuses(raw(server, one * 3000 + LAST)) == [200] * 3001


def test_an_offer_without_a_body_is_answered_and_the_connection_goes_on(server: Running) -> None:
    get = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + H2C + b"\r\n"
    assert statuses(raw(server, get + get + LAST)) == [200] * 3
    assert statuses(raw(server, get.replace(b"1.1", b"1.0"))) == [200]


def test_a_tunnel_is_refused(server: Running) -> None:
    """What follows CONNECT would else be read as requests."""
    tunnel = b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    assert statuses(raw(server, tunnel + SMUGGLED)) == [405]
    assert statuses(conversation(server, tunnel, SMUGGLED)) == [405]


def test_an_offer_counts_and_records_as_any_other(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path) as up:
        assert statuses(raw(up, b"".join(request(H2C)) + LAST)) == [200, 200]
        assert [record["kind"] for record in up.records()] == ["score"]


def test_curl_that_offers_http_2_gets_its_score(server: Running) -> None:
    """Its offer stands on the first request of a connection."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is absent")
    done = subprocess.run(
        [curl, "-sS", "--http2", "-w", "%{http_code}", "-H", "Content-Type: application/json",
         "--data-binary", "@-", f"{server.url}/score"],
        input=BODY, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith(b"}200"), done
    plain = httpx.post(f"{server.url}/score", json=FIT).json()
    assert json.loads(done.stdout[:-3])["probability"] == plain["probability"]


JAVA = """
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.*;

public class Offer {
    public static void main(String[] told) throws Exception {
        var client = HttpClient.newHttpClient();
        var bytes = told[1].getBytes();
        for (var body : new HttpRequest.BodyPublisher[] {
                HttpRequest.BodyPublishers.ofByteArray(bytes),
                HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))}) {
            var request = HttpRequest.newBuilder(URI.create(told[0]))
                .header("Content-Type", "application/json").POST(body).build();
            var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.version());
        }
    }
}
"""


def test_javas_client_which_offers_http_2_gets_its_score(server: Running, tmp_path: Path) -> None:
    """With a length, and in chunks; on one connection."""
    java = shutil.which("java")
    (tmp_path / "Offer.java").write_text(JAVA)
    command = [str(java), str(tmp_path / "Offer.java"), f"{server.url}/score", BODY.decode()]
    if java is None or b"jdk.compiler" not in subprocess.check_output([java, "--list-modules"]):
        pytest.skip("a Java that runs source files is absent")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "200 HTTP_1_1\n" * 2
