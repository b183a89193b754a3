"""What a head has to be: the rules of HTTP beyond the parser's, on both lanes and every path."""

import re
from pathlib import Path

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.server.command import run
from tests.server.wire import (
    BODY,
    LAST,
    LENGTH,
    LIVE,
    TYPE,
    chunked,
    conversation,
    raw,
    request,
    statuses,
)

BOTH_LANES = True
PATHS = (b"/score", b"/score?partial=true", b"/v2/models/small/infer", b"/livez", b"/none")


UNFIT = {
    "no Host": (TYPE + LENGTH, 400),
    "two Hosts": (b"Host: x\r\nhost: x\r\n" + TYPE + LENGTH, 400),
    "an unknown coding": (b"Host: x\r\nTransfer-Encoding: gzip\r\n" + TYPE, 501),
    "one before chunked": (b"Host: x\r\nTransfer-Encoding: gzip, chunked\r\n" + TYPE, 501),
    "one in a line before": (
        b"Host: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" + TYPE, 501,
    ),
    "identity": (b"Host: x\r\nTransfer-Encoding: identity\r\n" + TYPE, 501),
    "its name within a name": (b"Host: x\r\nTransfer-Encoding: xchunked\r\n" + TYPE, 501),
}  # fmt: skip
SINGLE = (b"Content-Type", b"X-Request-Id", b"Authorization", b"X-API-Key", b"Idempotency-Key",
          b"X-Request-Timeout-Ms", b"Inference-Header-Content-Length", b"Expect")  # fmt: skip
UNFIT |= {
    f"{name.decode()} twice": (
        b"Host: x\r\n" + LENGTH + b"%b: 5\r\nAccept: */*\r\n%b: %b\r\n" % (name, other, value), 400,
    )
    for name in SINGLE
    for other, value in ((name, b"5"), (name.lower(), b"6"))
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", UNFIT)
def test_an_unfit_head_is_refused_and_its_connection_closed(
    server: Running, case: str, path: bytes
) -> None:
    fields, status = UNFIT[case]
    asked = request(fields, path)
    for pieces in ([asked + LIVE], [asked[:25], asked[25:] + LIVE]):
        answer = conversation(server, *pieces)
        assert statuses(answer) == [status], answer
        assert b"connection: close" in answer


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
def test_another_version_is_refused(server: Running, version: bytes) -> None:
    """Also where it asks to stay."""
    for more in (b"", b"Connection: keep-alive\r\n"):
        for path in PATHS:
            asked = request(b"Host: x\r\n" + TYPE + LENGTH + more, path, version)
            assert statuses(raw(server, asked)) == [505]


def test_http_1_0_needs_no_host_is_not_told_to_continue_and_closes(server: Running) -> None:
    for more in (b"", b"Expect: 100-continue\r\n", b"Connection: keep-alive\r\n"):
        answer = raw(server, request(TYPE + LENGTH + more, version=b"1.0") + LIVE)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert answer.count(b"HTTP/1.1") == 1
        assert b"connection: close" in answer


def test_who_asks_first_is_told_once_and_behind_what_came_before(server: Running) -> None:
    asks = b"Host: x\r\nExpect: 100-Continue\r\n" + TYPE + LENGTH
    for path in (b"/score", b"/v2/models/small/infer"):
        head = request(asks, path)[: -len(BODY)]
        answer = conversation(server, LIVE + head, BODY + LAST)
        assert re.findall(rb"HTTP/1.1 (\d+)", answer)[:2] == [b"200", b"100"]
        assert answer.count(b"HTTP/1.1 100") == 1


def test_a_list_in_several_lines_is_one_list(server: Running) -> None:
    """Of two Accept lines none is forgotten, and two traces are none (W3C Trace Context)."""
    two = b"Host: x\r\nConnection: close\r\nAccept: text/html\r\nAccept: application/msgpack\r\n"
    answer = raw(server, request(two + TYPE + LENGTH))
    assert b"content-type: application/msgpack" in answer
    trace = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    for times, found in ((1, 1), (2, 0)):
        fields = b"Host: x\r\nConnection: close\r\n" + trace * times + TYPE + LENGTH
        answer = raw(server, request(fields))
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.count(b"traceparent") == found


TRAILERS = (
    b"X-API-Key: other\r\n", b"Authorization: Bearer other\r\n", b"Content-Type: text/html\r\n",
    b"X-Request-Id: other\r\n", b"Accept: text/html\r\n", b"X-Request-Timeout-Ms: 0\r\n",
    b"Idempotency-Key: a b\r\n", b"Content-Encoding: gzip\r\n",
    b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"Host: y\r\n", b"traceparent: 0\r\n",
    b"Expect: 100-continue\r\n", b"Inference-Header-Content-Length: 0\r\n",
)  # fmt: skip


@pytest.mark.parametrize("trailers", TRAILERS)
def test_a_field_behind_the_body_changes_nothing(server: Running, trailers: bytes) -> None:
    for path in (b"/score", b"/models/small/score", b"/score?partial=true"):
        given = TYPE + b"X-Request-Id: mine\r\n"
        answer = raw(server, chunked(trailers, given, path) + LAST)
        assert statuses(answer) == [200, 200]
        assert b"x-request-id: mine\r\n" in answer


def test_a_connection_that_closes_by_a_trailer_is_closed_behind_its_answer(server: Running) -> None:
    """The parser reads nothing behind it, so nobody is to wait for more."""
    answer = raw(server, chunked(b"Connection: close\r\n") + LAST)
    assert statuses(answer) == [200]
    assert b"connection: close" in answer


def test_a_key_behind_the_body_opens_nothing(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """Nor does it close what the head's key has opened."""
    keys = tmp_path / "keys"
    key = run("key", "--keys", str(keys), "--id", "a", "--scopes", "score").stdout.strip().encode()
    with serve(bundle, tmp_path, "--keys", str(keys)) as up:
        for field in (b"X-API-Key: %b\r\n" % key, b"Authorization: Bearer %b\r\n" % key):
            wrong = field.replace(key, b"wrong")
            for path in (b"/score", b"/v2/models/small/infer"):
                assert statuses(raw(up, chunked(field, TYPE, path) + LAST)) == [401, 200]
                assert statuses(raw(up, chunked(field, TYPE + wrong, path) + LAST)) == [401, 200]
            assert statuses(raw(up, chunked(wrong, TYPE + field) + LAST)) == [200, 200]


LONG = 70_000
TOO_LONG = {
    "a value": request(b"Host: x\r\nX: %b\r\n" % (b"a" * LONG) + TYPE + LENGTH),
    "a name": request(b"Host: x\r\n%b: a\r\n" % (b"a" * LONG) + TYPE + LENGTH),
    "a target": request(b"Host: x\r\n" + TYPE + LENGTH, b"/score?" + b"a" * LONG),
    "many fields": request(b"Host: x\r\n" + b"a: b\r\n" * 200 + TYPE + LENGTH),
    "many in all": request(b"Host: x\r\n" + b"a: %b\r\n" % (b"b" * 1000) * 70 + TYPE + LENGTH),
    "a trailer": chunked(b"X: %b\r\n" % (b"a" * LONG)),
    "a trailer's name": chunked(b"%b: a\r\n" % (b"a" * LONG)),
    "many trailers": chunked(b"a: b\r\n" * 20_000),
}


@pytest.mark.parametrize("case", TOO_LONG)
def test_a_head_with_its_trailers_has_a_bound_in_one_write_and_in_many(
    server: Running, case: str
) -> None:
    whole = TOO_LONG[case]
    cuts = [whole[i : i + 20_000] for i in range(0, len(whole), 20_000)]
    for pieces in ([whole], [LIVE + whole], cuts):
        answer = conversation(server, *pieces)
        assert statuses(answer)[-1] == 431, answer[:200]
        assert statuses(answer).count(200) == (pieces[0].startswith(LIVE))


def test_a_head_within_the_bound_is_answered(server: Running) -> None:
    near = b"X: %b\r\n" % (b"a" * 60_000)
    fields = b"Host: x\r\nConnection: close\r\n" + b"a: b\r\n" * 100 + near + TYPE + LENGTH
    assert statuses(raw(server, request(fields))) == [200]
    assert statuses(raw(server, chunked(near) + LAST)) == [200, 200]
    assert httpx.get(f"{server.url}/livez").status_code == 200
