"""Keys, limits, deadlines, idempotency, headers and the pages a server says of itself."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.long.server_long import free_ports
from tests.server.test_command import run

FIT = {"AGE": 40, "INCOME": 1000.5, "DEBT-RATIO": 0.5, "KIND": "car", "REGION": 2}
BODY = json.dumps(FIT).encode()
BOTH_LANES = True
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

UNFIT_TRACES = (
    "nonsense",
    TRACE.upper(),
    TRACE + "-x",
    "ff" + TRACE[2:],
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
)


def post(
    server: Running, body: bytes = BODY, path: str = "/score", **headers: str
) -> httpx.Response:
    head = {"content-type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return httpx.post(server.url + path, content=body, headers=head)


def test_a_key_opens_its_scope_and_no_other(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = {
        scope: run("key", "--keys", str(keys), "--id", scope, "--scopes", scope).stdout.strip()
        for scope in ("score", "metrics")
    }
    assert keys.stat().st_mode & 0o777 == 0o600
    assert made["score"] not in keys.read_text()
    with serve(bundle, tmp_path, "--keys", str(keys)) as up:
        assert post(up).status_code == 401
        assert post(up).headers["www-authenticate"].startswith("Bearer")
        assert post(up, x_api_key="wrong").status_code == 401
        assert post(up, x_api_key=made["score"]).status_code == 200
        assert post(up, authorization=f"Bearer {made['score']}").status_code == 200
        assert post(up, x_api_key=made["metrics"]).status_code == 403
        assert httpx.get(f"{up.url}/metrics").status_code == 401
        with_key = {"x-api-key": made["metrics"]}
        assert httpx.get(f"{up.url}/metrics", headers=with_key).status_code == 200
        assert httpx.get(f"{up.url}/v2/models/small").status_code == 401
        assert httpx.get(f"{up.url}/livez").status_code == 200
        revoke(keys, "score")
        until(lambda: post(up, x_api_key=made["score"]).status_code == 401)
        assert "revoked" in post(up, x_api_key=made["score"]).json()["detail"]


def revoke(keys: Path, name: str) -> None:
    lines = [json.loads(line) for line in keys.read_text().splitlines()]
    changed = [line | {"revoked": True} if line["id"] == name else line for line in lines]
    keys.write_text("".join(json.dumps(line) + "\n" for line in changed))


def until(condition: Any, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.05)


KEY = {"id": "a", "sha256": "0" * 64, "scopes": ["score"]}


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": 1}', b'{"id": "\xff"}', json.dumps(KEY | {"revokd": True}).encode(),
        json.dumps(KEY | {"sha256": "A" * 64}).encode(),
        json.dumps(KEY | {"scopes": ["x"]}).encode(),
    ],
)  # fmt: skip
def test_a_file_of_keys_that_is_none_refuses_the_start(
    bundle: Path, tmp_path: Path, line: bytes
) -> None:
    (tmp_path / "keys").write_bytes(line + b"\n")
    done = run("--check", "--model", str(bundle), "--keys", str(tmp_path / "keys"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"server: {tmp_path / 'keys'}: ")
    assert done.stderr.count("\n") == 1


def test_a_file_of_keys_that_breaks_while_serving_keeps_the_keys(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Also one that is not text; a key made behind an open last line is a line of its own."""
    keys, port = tmp_path / "keys", free_ports()
    keys.write_text(json.dumps(KEY))
    made = run("key", "--keys", str(keys), "--id", "b", "--scopes", "score", "admin").stdout.strip()
    flags = ("--keys", str(keys), "--port", str(port), "--admin-port", str(port + 1))
    with serve(bundle, tmp_path, *flags) as up:
        workers = up.workers()
        keys.write_bytes(b'{"id": "\xff"}\n')
        time.sleep(2.5)  # it is looked at once a second
        assert post(up, x_api_key=made).status_code == 200
        head = {"x-api-key": made}
        assert httpx.get(f"http://127.0.0.1:{port + 1}/models", headers=head).status_code == 200
        assert up.workers() == workers


def padded(size: int) -> bytes:
    return BODY[:-1] + b" " * (size - len(BODY)) + b"}"


def test_a_body_at_the_limit_is_scored_and_one_byte_more_is_a_413(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Also above uvicorn's own 64 kB buffer, and when the client sends it in chunks."""
    with serve(bundle, tmp_path, "--max-body", "200000") as up:
        assert post(up, padded(200_000)).status_code == 200
        over = post(up, padded(200_001))
        assert (over.status_code, over.json()["status"]) == (413, 413)
        assert "200000" in over.json()["detail"]
        chunked = httpx.post(
            f"{up.url}/score",
            content=iter([padded(200_001)[:100_000], padded(200_001)[100_000:]]),
            headers={"content-type": "application/json"},
        )
        assert chunked.status_code == 413
        assert post(up).status_code == 200


def test_a_batch_at_the_limit_is_scored_and_one_more_is_a_413(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--max-batch", "3") as up:
        assert post(up, json.dumps([FIT] * 3).encode()).status_code == 200
        assert post(up, json.dumps([FIT] * 4).encode()).status_code == 413


def test_a_partial_batch_answers_a_problem_in_the_place_of_a_fault(server: Running) -> None:
    body = json.dumps([FIT, FIT | {"AGE": None}, FIT]).encode()
    assert post(server, body).status_code == 422
    answers = post(server, body, "/score?partial=true").json()
    assert [a.get("status", 200) for a in answers] == [200, 422, 200]
    assert answers[1]["errors"][0] == {
        "feature": "AGE", "wanted": "a finite number", "got": "null", "index": 1,
    }  # fmt: skip


def test_a_deadline_that_has_passed_is_a_504(server: Running) -> None:
    assert post(server, x_request_timeout_ms="60000").status_code == 200
    assert post(server, x_request_timeout_ms="0").status_code == 504
    for unfit in ("soon", "-1", "9" * 5000):
        assert post(server, x_request_timeout_ms=unfit).status_code == 400


def test_the_same_key_and_body_get_the_same_answer(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """From any worker, and with one record; another body is refused and an error is not kept."""
    with serve(bundle, tmp_path, "--workers", "2") as up:
        first = post(up, idempotency_key="k1")
        again = [post(up, idempotency_key="k1") for _ in range(6)]
        assert {answer.content for answer in again} == {first.content}
        assert "idempotency-replayed" not in first.headers
        assert {answer.headers["idempotency-replayed"] for answer in again} == {"true"}
        other = post(up, json.dumps(FIT | {"AGE": 41}).encode(), idempotency_key="k1")
        assert other.status_code == 422
        assert post(up, b"{}", idempotency_key="k2").status_code == 422
        assert post(up, idempotency_key="k2").status_code == 200
        scored = [r["request_id"] for r in up.records() if r["kind"] == "score"]
        assert scored.count(first.json()["request_id"]) == 1


def test_an_idempotency_key_that_is_none_is_refused(server: Running) -> None:
    """An empty one would be the same key for everybody."""
    for unfit in ("", "a b", "k" * 129):
        answer = post(server, idempotency_key=unfit)
        assert answer.status_code == 400
        assert "Idempotency-Key" in answer.json()["detail"]


def test_a_query_is_understood_or_refused(server: Running) -> None:
    """`partial=1` would else be a batch refused as a whole."""
    body = json.dumps([FIT, FIT | {"AGE": None}]).encode()
    assert post(server, body, "/score?partial=false").status_code == 422
    for query in ("partial=1", "partial", "partial=true&x=1", "x=1"):
        answer = post(server, body, f"/score?{query}")
        assert answer.status_code == 400
        assert query in answer.json()["detail"]


@pytest.mark.parametrize(
    ("accept", "status", "media_type"),
    [
        ("application/msgpack, application/json", 200, "application/json"),
        ("application/json;q=0.1, application/msgpack;q=0.9", 200, "application/msgpack"),
        ("application/json;q=0, application/msgpack", 200, "application/msgpack"),
        ("*/*;q=0.5, application/msgpack", 200, "application/msgpack"),
        ("application/*;q=0.9, application/json;q=0.1", 200, "application/msgpack"),
        ("application/vnd.msgpack", 200, "application/msgpack"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 200, "application/json"),
        ("", 200, "application/json"),
        ("text/html", 406, "application/problem+json"),
        ("*/*;q=0", 406, "application/problem+json"),
        ("application/json;q=0", 406, "application/problem+json"),
        ("application/json;q=2", 400, "application/problem+json"),
    ],
)
def test_accept_is_weighed(server: Running, accept: str, status: int, media_type: str) -> None:
    """As RFC 9110 says; among equals the format of the body is kept."""
    answer = post(server, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)


def test_a_compressed_body_is_a_415_that_says_so(server: Running) -> None:
    answer = post(server, content_encoding="gzip")
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert post(server, content_encoding="identity").status_code == 200


def test_no_answer_is_cached_or_sniffed(server: Running) -> None:
    for answer in (post(server), post(server, b"{}"), httpx.get(f"{server.url}/models")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_unseen_category_is_missing_where_that_is_the_setting(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--unseen", "missing") as up:
        answer = post(up, json.dumps(FIT | {"KIND": "boat"}).encode()).json()
        null = post(up, json.dumps(FIT | {"KIND": None}).encode()).json()
        assert answer["warnings"] == ["unseen:KIND"]
        assert answer["probability"] == null["probability"]
        assert post(up, json.dumps(FIT | {"KIND": 3}).encode()).status_code == 422


def access_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the access log of a server that has stopped: a line is written after its answer."""
    lines = [json.loads(line) for line in (folder / "stdout").read_text().splitlines()]
    return [line for line in lines if line["event"] == "request"]


def test_a_trace_is_passed_on_to_answer_and_log(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path) as up:
        assert post(up, traceparent=TRACE).headers["traceparent"] == TRACE
        assert post(up, b"{}", traceparent=TRACE).headers["traceparent"] == TRACE
        for unfit in UNFIT_TRACES:
            answer = post(up, traceparent=unfit)
            assert answer.status_code == 200
            assert "traceparent" not in answer.headers
    traces = [line.get("traceparent") for line in access_lines(tmp_path)]
    assert traces == [TRACE, TRACE, *[None] * len(UNFIT_TRACES)]


def test_the_access_log_has_no_value_and_may_be_sampled(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """A sampled log keeps every error."""
    with serve(bundle, tmp_path, "--access-log", "0.25") as up:
        for _ in range(20):
            post(up)
        post(up, b'{"AGE": 987654}')
    statuses = [line["status"] for line in access_lines(tmp_path)]
    assert (statuses.count(200), statuses.count(422)) == (5, 1)
    assert "987654" not in (tmp_path / "stdout").read_text()


def test_slow_clients_are_closed_and_others_are_not_kept_waiting(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """200 half heads and 50 half bodies; the long form holds 1,000."""
    with serve(bundle, tmp_path, "--head-seconds", "1", "--body-seconds", "2") as up:
        head = b"POST /score HTTP/1.1\r\nHost: x\r\n"
        slow = [sender(up.port, head) for _ in range(200)]
        length = b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        slow += [sender(up.port, head + length) for _ in range(50)]
        for _ in range(50):
            assert post(up).status_code == 200
        assert slow[0].recv(100).startswith(b"HTTP/1.1 408")
        assert slow[-1].recv(100).startswith(b"HTTP/1.1 408")
        text = httpx.get(f"{up.url}/metrics").text
        assert re.search(r"^credit_client_timeouts_total 250$", text, re.M)
        for each in slow:
            each.close()


def sender(port: int, data: bytes, receives: int | None = None) -> socket.socket:
    connection = socket.socket()
    if receives:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    connection.connect(("127.0.0.1", port))
    connection.sendall(data)
    connection.settimeout(10)
    return connection


def raw(server: Running, data: bytes) -> bytes:
    """Send bytes and return everything that comes back until the server closes."""
    with sender(server.port, data) as connection:
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_what_is_not_http_is_a_400(server: Running) -> None:
    for data in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"POST /score HTTP/9.9\r\n\r\n"):
        answer = raw(server, data)
        assert answer.startswith(b"HTTP/1.1 400"), answer
        assert b"application/problem+json" in answer
    huge = b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000
    assert raw(server, huge).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert post(server).status_code == 200


def test_a_client_that_asks_first_is_told_before_it_sends(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Expect: 100-continue."""
    with serve(bundle, tmp_path, "--max-body", "1000") as up:
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: "
        with sender(up.port, head + b"%d\r\n\r\n" % len(BODY)) as asking:
            assert asking.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            asking.sendall(BODY)
            assert asking.recv(100).startswith(b"HTTP/1.1 200")
        assert raw(up, head + b"5000\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    def one(name: str, last: bool) -> bytes:
        close = "Connection: close\r\n" if last else ""
        head = f"POST /score HTTP/1.1\r\nHost: x\r\nX-Request-Id: {name}\r\n{close}"
        return (
            f"{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
        )

    answer = raw(server, one("a", False) + BODY + one("b", False) + BODY + one("c", True) + BODY)
    assert re.findall(rb"x-request-id: (\w)", answer) == [b"a", b"b", b"c"]


def test_a_full_queue_is_a_503_with_retry_after(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """Health is answered; the connection stays open and the next request on it is scored.

    The worker is stopped while the requests arrive, so that it finds all of them at once.
    """
    with serve(bundle, tmp_path, "--max-in-flight", "1") as up:
        batch = json.dumps([FIT] * 100).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        senders = [sender(up.port, head) for _ in range(20)]
        rest = b"Content-Length: %d\r\n\r\n" % len(batch) + batch
        asking = sender(up.port, b"")
        with stopped(up, connected=len(senders) + 1):
            for each in senders:
                each.sendall(rest)
            asking.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asking.recv(12) == b"HTTP/1.1 200"
        firsts = [each.recv(12) for each in senders]
        assert firsts.count(b"HTTP/1.1 200") >= 1
        assert firsts.count(b"HTTP/1.1 503") >= 1
        shed = senders[firsts.index(b"HTTP/1.1 503")]
        assert b"retry-after: 1" in shed.recv(65536)
        again = head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        shed.sendall(again)
        sooner = 0
        while (said := shed.recv(65536))[:12] != b"HTTP/1.1 200":  # the queue is not empty yet
            assert said[:12] == b"HTTP/1.1 503"
            assert (sooner := sooner + 1) < 50
            shed.sendall(again)
        name = 'credit_requests_total{endpoint="score",status="503"}'
        assert counted(up, name) == firsts.count(b"HTTP/1.1 503") + sooner
        for each in senders:
            each.close()


def test_the_queue_is_as_long_as_said_where_bodies_end_together(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Thirty heads come while nobody waits, and all their bodies at once afterwards."""
    with serve(bundle, tmp_path, "--max-in-flight", "2") as up:
        batch = json.dumps([FIT] * 1000).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Content-Length: %d\r\n\r\n" % len(batch)
        senders = [sender(up.port, head + batch[:1]) for _ in range(30)]
        with stopped(up, connected=len(senders)):
            for each in senders:
                each.sendall(batch[1:])
        firsts = [each.recv(12) for each in senders]
        assert set(firsts) == {b"HTTP/1.1 200", b"HTTP/1.1 503"}
        shed = senders[firsts.index(b"HTTP/1.1 503")]
        shed.settimeout(60)
        assert b"retry-after: 1" in shed.recv(65536)
        shed.sendall(head + batch)
        assert shed.recv(9) == b"HTTP/1.1 "
        for each in senders:
            each.close()


def test_clients_that_take_no_answer_do_not_hold_the_queue(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Each would else keep a place in it for ever; ending them is no error of ours."""
    flags = ("--max-in-flight", "8", "--answer-seconds", "1")
    with serve(bundle, tmp_path, *flags) as up:
        batch = json.dumps([FIT] * 1000).encode()
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        request = head + b"Content-Length: %d\r\n\r\n" % len(batch) + batch
        deaf = [sender(up.port, b"", receives=4096) for _ in range(2)]
        sending = [Thread(target=send_all, args=(each, request * 40)) for each in deaf]
        for thread in sending:
            thread.start()
        until(lambda: counted(up, "credit_client_timeouts_total") == 2, 60)
        for connection, thread in zip(deaf, sending, strict=True):
            thread.join()
            connection.close()
        assert post(up).status_code == 200
        assert counted(up, "credit_unhandled_errors_total") == 0


def send_all(connection: socket.socket, data: bytes) -> None:
    """Send until the server cuts the connection."""
    connection.settimeout(60)
    with suppress(OSError):
        connection.sendall(data)


def counted(server: Running, name: str) -> int:
    text = httpx.get(f"{server.url}/metrics", timeout=30).text
    return int(re.findall(rf"^{re.escape(name)} (\d+)$", text, re.M)[0])


def test_what_reaches_no_endpoint_is_counted_and_said_in_the_way_of_its_path(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Too large, too long a head, not HTTP: 4xx in the metrics, and {"error"} under /v2."""
    with serve(bundle, tmp_path, "--max-body", "1000") as up:
        assert set(post(up, b" " * 1001).json()) >= {"type", "title", "status", "detail"}
        under = post(up, b" " * 1001, "/v2/models/small/infer")
        assert (under.status_code, under.json()) == (
            413, {"error": "body: wanted at most 1000 bytes"},
        )  # fmt: skip
        assert under.headers["content-type"] == "application/json"
        raw(up, b"GET\r\n\r\n")
        for endpoint, status in (("score", 413), ("infer", 413), ("other", 400)):
            name = f'credit_requests_total{{endpoint="{endpoint}",status="{status}"}}'
            assert counted(up, name) == 1


def connections(server: Running) -> int:
    """Return how many connections the server has accepted, the one that asks not counted."""
    return counted(server, "credit_connections") - 1


@contextmanager
def stopped(server: Running, connected: int) -> Iterator[None]:
    """Stop the worker once so many are connected, so that it finds all that is sent at once."""
    (worker,) = server.workers()
    until(lambda: connections(server) >= connected)
    time.sleep(0.2)  # the answer to that question is out before it counts as answered
    os.kill(worker, signal.SIGSTOP)
    yield
    os.kill(worker, signal.SIGCONT)


def test_cors_is_off_unless_asked(
    bundle: Path, serve: Serve, server: Running, tmp_path: Path
) -> None:
    origin = "https://bank.example"
    assert "access-control-allow-origin" not in post(server, origin=origin).headers
    with serve(bundle, tmp_path, "--cors-origin", origin) as up:
        assert post(up, origin=origin).headers["access-control-allow-origin"] == origin
        other = post(up, origin="https://other.example").headers
        assert other.get("access-control-allow-origin") != "https://other.example"


def test_tls_and_client_certificates(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """With a CA for clients, a client without a certificate does not get in."""
    make_certificate(tmp_path)
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    flags = ("--tls-cert", cert, "--tls-key", key)
    trust = ssl.create_default_context(cafile=cert)
    with serve(bundle, tmp_path, *flags) as up:
        assert up.url.startswith("https://")
        assert httpx.get(f"{up.url}/livez", verify=trust).status_code == 200
    with serve(bundle, tmp_path, *flags, "--tls-client-ca", cert) as up:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{up.url}/livez", verify=trust)
        trust.load_cert_chain(cert, key)
        assert httpx.get(f"{up.url}/livez", verify=trust).status_code == 200


def test_certificates_that_are_none_refuse_the_start(bundle: Path, tmp_path: Path) -> None:
    """And so does a CA for clients without TLS, which would let everybody in."""
    (tmp_path / "cert.pem").write_text("none")
    pem = str(tmp_path / "cert.pem")
    for flags in (
        ("--tls-cert", pem, "--tls-key", pem),
        ("--tls-cert", f"{pem}.none", "--tls-key", pem),
        ("--tls-client-ca", pem),
    ):
        done = run(
            "--model", str(bundle), "--port", "0", "--log-dir", str(tmp_path / "log"), *flags
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("server: settings: tls")
        assert done.stderr.count("\n") == 1


def make_certificate(folder: Path) -> None:
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("openssl is absent")


def test_the_docs_page_loads_nothing_from_anywhere(server: Running) -> None:
    answer = httpx.get(f"{server.url}/docs")
    assert "DEBT-RATIO" in answer.text
    assert not re.search(r"(src|href)=|https?://|@import", answer.text)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_drift_verdict_is_shown_where_it_exists(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    verdict = tmp_path / "drift.prom"
    with serve(bundle, tmp_path, "--drift-metrics", str(verdict)) as up:
        assert "credit_drift" not in httpx.get(f"{up.url}/metrics").text
        verdict.write_text("credit_drift_verdict 1\n")
        text = httpx.get(f"{up.url}/metrics").text
        assert text.endswith("credit_drift_verdict 1\n")
        assert re.search(r'credit_model_info\{name="small",version="1",sha256="\w{64}"', text)


def test_no_path_is_redirected(server: Running) -> None:
    """It would go wherever the Host header says."""
    for path in ("/models/", "/livez/", "/v2/models/small/"):
        answer = httpx.get(server.url + path, headers={"host": "evil.example"})
        assert answer.status_code == 404


def test_the_version_is_the_projects(server: Running) -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    said = httpx.get(f"{server.url}/v2").json()["version"]
    assert said == project["project"]["version"]


def test_no_log_folder_no_start(bundle: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "file").write_text("")
        done = run("--model", str(bundle), "--port", "0", "--log-dir", str(tmp_path / "file"))
        assert done.returncode == 2
