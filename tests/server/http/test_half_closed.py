"""The end of a connection: what came whole is answered, and who still sends sees no reset."""

import re
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import Running, Serve
from tests.server.asking import counted
from tests.server.wire import LAST, LENGTH, LIVE, TYPE, chunked, request, sender, statuses
from tests.waiting import until

pytestmark = pytest.mark.slow

BOTH_LANES = True
SCORE = request(b"Host: x\r\n" + TYPE + LENGTH)
KEYED = request(b"Host: x\r\nIdempotency-Key: k\r\n" + TYPE + LENGTH)
MODELS = b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n"


def until_closed(connection: socket.socket) -> bytes:
    got = b""
    while part := connection.recv(65536):
        got += part
    return got


def half_closed(server: Running, data: bytes) -> bytes:
    """Send data and the end of it at once; return what came back."""
    with sender(server.port, b"") as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # one packet, with the FIN
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return until_closed(connection)


WHOLE = {
    "a score": SCORE, "a health check": LIVE, "a list": MODELS, "a key of its own": KEYED,
    "in chunks": chunked(b""), "two scores": SCORE * 2, "two of ASGI": LIVE + MODELS,
    "ASGI, then the fast path": MODELS + SCORE, "the fast path, then ASGI": SCORE + KEYED + MODELS,
    "many": (SCORE + LIVE + KEYED) * 20, "a closing one": LAST,
    "HTTP/1.0": request(TYPE + LENGTH, version=b"1.0"),
    "an inference": request(b"Host: x\r\n" + TYPE + LENGTH, b"/v2/models/small/infer"),
}  # fmt: skip
PARTS = {"nothing": b"", "half a head": SCORE[:30], "half a body": SCORE[:-9],
         "half a body in chunks": chunked(b"")[:-9], "a byte": b"P"}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("case", WHOLE)
def test_what_came_whole_with_the_end_is_answered_before_closing(
    server: Running, case: str, part: str
) -> None:
    """What is not whole gets no answer; the connection ends at once and not by a limit."""
    count = WHOLE[case].count(b" HTTP/1.")
    timeouts = counted(server, "credit_client_timeouts_total")
    answers = statuses(half_closed(server, WHOLE[case] + PARTS[part]))
    status = 400 if case == "an inference" else 200  # of an applicant, which is no tensor
    assert answers == [status] * count
    assert counted(server, "credit_client_timeouts_total") == timeouts


def test_what_is_not_http_is_refused_though_it_ends(server: Running) -> None:
    assert statuses(half_closed(server, LIVE + b"\x00\x00\r\n\r\n")) == [200, 400]
    assert statuses(half_closed(server, b"GET / HTTP/1.1\r\n\r\n")) == [400]


def test_each_answer_is_in_the_record(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    with serve(bundle, tmp_path) as up:
        for _ in range(20):
            found = re.findall(rb'"request_id":"(\w+)"', half_closed(up, SCORE * 2 + KEYED))
            assert len(found) == 3
        assert len(up.records()) == 41  # the last of each is the first one's again


def test_a_client_that_still_sends_reads_its_closing_answer(server: Running) -> None:
    """The server reads on for a while: to close with bytes unread would reset the connection."""
    closing = b"Host: x\r\nConnection: close\r\n" + TYPE
    for first in (
        LAST,
        request(closing + LENGTH),
        request(closing + b"Idempotency-Key: l\r\n" + LENGTH),
    ):
        with sender(server.port, first) as connection:
            connection.sendall(b"x" * 300_000)
            time.sleep(0.2)
            connection.sendall(b"x" * 300_000)
            assert statuses(until_closed(connection)) == [200]


def test_nothing_behind_a_closing_request_is_answered_or_counted(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path) as up:
        for behind in (SCORE, LIVE, b"\x00\r\n\r\n", SCORE[:-3]):
            closing = request(b"Host: x\r\nConnection: close\r\n" + TYPE + LENGTH)
            with sender(up.port, closing + behind) as connection:
                assert statuses(until_closed(connection)) == [200]
        assert len(up.records()) == 4
        text = httpx.get(f"{up.url}/metrics").text
        found = re.findall(r"^credit_requests_total(.*) [1-9]\d*$", text, re.M)
        assert found == ['{endpoint="score",status="200"}']


def test_a_line_break_now_and_then_keeps_no_idle_connection(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """It begins no request, so the time for the next one goes on."""
    with serve(bundle, tmp_path, "--keep-alive-seconds", "1") as up:
        for first in (SCORE, LIVE):
            with sender(up.port, first) as connection:
                assert statuses(connection.recv(65536)) == [200]
                until(lambda connection=connection: is_closed(connection), 20)
        assert counted(up, "credit_client_timeouts_total") == 0


def is_closed(connection: socket.socket) -> bool:
    """Send a line break; return whether the server has closed."""
    connection.settimeout(0.05)
    try:
        connection.sendall(b"\r\n")
        return connection.recv(10) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
