"""Clients that do not take their answers hold no place that others need."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Running, running
from tests.server.wire import FIT, TYPE, raw, scoring

MANY = 6
PIPELINED = 400
ROWS = json.dumps([FIT] * 900).encode()
CLOSE = scoring(more="Connection: close\r\n")
GET = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(ROWS)
BATCH = b"POST /score?partial=false HTTP/1.1\r\nHost: x\r\n" + TYPE + LENGTH + ROWS
ALONE = b"POST /score HTTP/1.1\r\nHost: x\r\n" + TYPE + LENGTH + ROWS


@pytest.fixture(scope="module", params=["on", "off"])
def narrow(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """A server with a short queue that waits long for who does not read."""
    flags = ["--max-in-flight", "2", "--answer-seconds", "600", "--fast-lane", request.param]
    flags += ["--max-body", "1000000", "--max-arriving", "2000000"]
    with running(bundle, tmp_path_factory.mktemp("log"), *flags) as up:
        yield up


def deaf(port: int, data: bytes) -> socket.socket:
    """Return a connection that asks much more than it has room for answers."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    try:
        for _ in range(PIPELINED):
            if connection.send(data) < len(data):
                break
    except BlockingIOError:
        pass
    return connection


def scored_at_last(server: Running) -> bool:
    """Return whether a request is answered with a score while the others stay."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if raw(server, CLOSE).startswith(b"HTTP/1.1 200"):
            return True
    return False


@pytest.mark.parametrize("data", [GET, BATCH, ALONE], ids=["get", "asgi", "fast path"])
def test_who_does_not_read_holds_no_place_in_the_queue(narrow: Running, data: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(deaf(narrow.port, data))
        assert scored_at_last(narrow)


def test_who_reads_again_gets_every_answer_in_order(narrow: Running) -> None:
    """What was sent meanwhile was left unread, and nothing of it is lost, the last of it too."""
    count = 40
    with socket.socket() as late:
        late.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        late.connect(("127.0.0.1", narrow.port))
        late.sendall(GET * count + CLOSE)
        late.shutdown(socket.SHUT_WR)
        assert scored_at_last(narrow)
        late.settimeout(30)
        got = b"".join(iter(lambda: late.recv(1 << 20), b""))
    assert got.count(b"HTTP/1.1 200 OK") == count + 1
    assert got.rindex(b'"probability"') > got.rindex(b'"openapi"')
