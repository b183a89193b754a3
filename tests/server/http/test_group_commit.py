"""Group commit: what arrives together shares one write of the record."""

import asyncio
import json
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench.limits.own import Constant, Unwritten
from server.http.fast_path import NOT_YET
from server.http.group_commit import MOST_TURNS, Asked, GroupCommit
from server.http.in_flight import InFlight
from server.http.message import Answer, Request
from tests.conftest import Running, Serve
from tests.server.asking import access_lines, stopped
from tests.server.wire import FIT, raw, scoring, sender, senders

WRITES = re.compile(r"^syscw: (\d+)$", re.M)
MANY, FEW = 40, 5
LONG = scoring(json.dumps([FIT] * 300).encode())


def writes(server: Running) -> int:
    """Return how often the worker has called write, for the record and for answers."""
    (worker,) = server.workers()
    file = Path("/proc") / str(worker) / "io"
    if not file.exists():
        pytest.skip("wants Linux's account of system calls")
    return int(WRITES.findall(file.read_text())[0])


def together(server: Running, request: bytes, count: int) -> int:
    """Send a request on so many connections in one turn; return the writes beside the answers'."""
    with senders(server.port, b"", count) as asking:
        with stopped(server, connected=count):
            for each in asking:
                each.sendall(request)
            before = writes(server)
        for each in asking:
            assert each.recv(65536).startswith(b"HTTP/1.1 200")
        return writes(server) - before - count


def test_what_arrives_together_is_recorded_by_fewer_writes_than_answers(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--access-log", "0") as up:
        assert 1 <= together(up, scoring(), MANY) <= MANY // 2
        assert len(up.records()) == MANY


def test_no_answer_waits_long_for_others(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """Together these take many times the patience of a group, so they leave in many parts."""
    batch = scoring(json.dumps([FIT] * 900).encode())
    with serve(bundle, tmp_path, "--access-log", "0") as up:
        assert together(up, batch, MANY) >= 4


def in_a_burst(server: Running, count: int) -> int:
    """Connect and send so often while the worker is stopped; return the writes of the record."""
    with ExitStack() as burst, sender(server.port, b""):
        with stopped(server, connected=1):
            asking = burst.enter_context(senders(server.port, scoring(), count))
            before = writes(server)
        for each in asking:
            assert each.recv(65536).startswith(b"HTTP/1.1 200")
        return writes(server) - before - count


def test_a_burst_of_connections_is_answered_together(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Each is accepted in a turn of its own."""
    with serve(bundle, tmp_path, "--access-log", "0") as up:
        assert 1 <= in_a_burst(up, MANY) <= MANY // 4


def test_connections_put_off_an_answer_for_a_bounded_number_of_turns(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--access-log", "0") as up:
        assert in_a_burst(up, 4 * MOST_TURNS) >= 3


class Client:
    """Where an answer goes."""

    has_it = False

    def finish(self, answer: Answer, keep: bool) -> bytes:
        return b""

    def send(self, data: bytes) -> None:
        self.has_it = True


def turns(most: int, meanwhile: Callable[[GroupCommit], None]) -> int:
    """Return the turns that a request waits in a queue of `most` if each has its like."""

    async def waited() -> int:
        client, count, unwritten = Client(), 0, Unwritten()  # type: tuple[Client, int, Any]
        group_commit = GroupCommit(InFlight(most), unwritten)
        request = Request("POST", "/score", b"/score", b"", {}, b"{}", 0.0)
        handler: Any = Constant()
        group_commit.add(asyncio.get_running_loop(), Asked(request, NOT_YET, handler, client, True))
        while not client.has_it:
            meanwhile(group_commit)
            await asyncio.sleep(0)
            count += 1
        return count

    return asyncio.run(waited())


def test_probes_put_off_a_score_once_and_connections_only_while_there_is_room() -> None:
    """A flood of neither may hold up the scores."""
    once = turns(256, lambda group_commit: None)
    assert turns(256, GroupCommit.go_first) == once + 1
    assert turns(256, GroupCommit.connected) == once + MOST_TURNS
    assert turns(1, GroupCommit.connected) == once


def test_a_probe_does_not_wait_for_a_long_queue(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """The batches were read before it; its answer, and so its line, precedes all of theirs."""
    with (
        serve(bundle, tmp_path) as up,
        senders(up.port, b"", MANY) as queue,
        sender(up.port, b"") as probe,
    ):
        with stopped(up, connected=MANY + 1):
            for each in queue:
                each.sendall(LONG)
            probe.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert probe.recv(65536).startswith(b"HTTP/1.1 200")
        for each in queue:
            assert each.recv(65536).startswith(b"HTTP/1.1 200")
    paths = [line["path"] for line in access_lines(tmp_path)]
    assert [each for each in paths if each != "/metrics"] == ["/livez", *["/score"] * MANY]


def at_the_end_of_a_long_queue(server: Running, data: bytes, ends: bool = False) -> bytes:
    """Send data in one turn behind batches that take long; return all that is answered."""
    with senders(server.port, b"", FEW) as queue, sender(server.port, b"") as last:
        with stopped(server, connected=FEW + 1):
            for each in queue:
                each.sendall(LONG)
            last.sendall(data)
            if ends:
                last.shutdown(socket.SHUT_WR)
        got = b""
        while part := last.recv(65536):
            got += part
        for each in queue:
            assert each.recv(65536).startswith(b"HTTP/1.1 200")
    return got


def test_nothing_overtakes_a_request_that_waits_in_a_long_queue(server: Running) -> None:
    """Neither a refusal, nor a request behind it, nor the end of the connection."""
    key = "X-Request-Id: two\r\nIdempotency-Key: long\r\nConnection: close\r\n"
    refused = at_the_end_of_a_long_queue(server, scoring() + b"what is this\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", refused) == [b"200", b"400"]
    asks = "X-Request-Id: two\r\nExpect: 100-continue\r\nConnection: close\r\n"
    invited = at_the_end_of_a_long_queue(server, scoring() + scoring(more=asks))
    assert re.findall(rb"HTTP/1.1 (\d+)", invited)[0] == b"200"
    both = at_the_end_of_a_long_queue(
        server, scoring(more="X-Request-Id: one\r\n") + scoring(more=key)
    )
    assert re.findall(rb'"request_id":"(\w+)"', both) == [b"one", b"two"]
    ended = at_the_end_of_a_long_queue(server, scoring(), ends=True)
    assert ended.startswith(b"HTTP/1.1 200")


def test_a_client_that_says_it_sends_no_more_has_its_answer(server: Running) -> None:
    """Request and end are there at once."""
    with sender(server.port, b"") as asking:
        with stopped(server, connected=1):
            asking.sendall(scoring())
            asking.shutdown(socket.SHUT_WR)
        got = b""
        while part := asking.recv(65536):
            got += part
    assert got.startswith(b"HTTP/1.1 200")


def test_what_is_not_http_behind_a_request_is_refused_behind_its_answer(server: Running) -> None:
    got = raw(server, scoring() + b"what is this\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"400"]


def test_a_request_behind_one_that_waits_is_answered_behind_it(server: Running) -> None:
    """Also one that is to be committed by itself, since an answer is stored for its key."""
    both = scoring(more="X-Request-Id: one\r\n") + scoring(
        more="X-Request-Id: two\r\nIdempotency-Key: two\r\nConnection: close\r\n"
    )
    got = raw(server, both)
    assert re.findall(rb'"request_id":"(\w+)"', got) == [b"one", b"two"]
    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"200"]
