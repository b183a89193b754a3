"""The generator against servers that are slow on purpose.

Sleeps of the servers are long against any scheduling delay, and bounds are one-sided.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import numpy as np

from bench.distribution import quantiles
from bench.load import pool as generator_pool
from bench.load.generator import Plan, Report, drive, run_in
from bench.load.generator import run as run_until
from bench.load.pool import NO_ANSWER

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
SLEEP = 0.3
# Timers of an event loop have milliseconds: a sleep may end a little early.
FELT_US = 0.29e6
Answer = Callable[[int], Awaitable[bytes | None]]


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """Serve over a real socket: `answer` gets the number of the request; None hangs up."""
    ready: list[int] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            count[0] += 1
            said = await answer(count[0])
            if said is None:
                break
            writer.write(said)
            if said is LAST:
                break
        writer.close()

    async def serve() -> None:
        listening = await asyncio.start_server(guarded, "127.0.0.1", 0)
        ready.append(listening.sockets[0].getsockname()[1])
        started.set()
        await stop.wait()
        listening.close()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await connected(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    count = [0]
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(10)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def run(
    answer: Answer, rate: float | None, seconds: float, connections: int = 16, grace: float = 20.0
) -> Report:
    with server(answer) as port:
        return drive(Plan(port, connections, seconds, rate, grace=grace), [REQUEST])


async def at_once(number: int) -> bytes | None:
    return GOOD


async def one_in_fifty_sleeps(number: int) -> bytes | None:
    if number % 50 == 0:
        await asyncio.sleep(SLEEP)
    return GOOD


def test_a_sleep_in_one_of_fifty_requests_shows_in_p99() -> None:
    """Two of a hundred sleep, so the slowest hundredth does, and nothing averages it away."""
    report = run(one_in_fifty_sleeps, 200, 2)
    assert report.failed == report.unanswered == 0
    assert report.answered == len(report.latencies_us) > 200
    assert np.quantile(report.latencies_us, 0.99) >= FELT_US
    assert np.quantile(report.latencies_us, 0.99) > 5 * np.quantile(report.latencies_us, 0.5)


def test_a_sleep_in_one_of_a_hundred_shows_behind_p99() -> None:
    async def answer(number: int) -> bytes | None:
        if number % 100 == 0:
            await asyncio.sleep(SLEEP)
        return GOOD

    report = run(answer, 200, 2)
    assert sum(each >= FELT_US for each in report.latencies_us) >= report.answered // 100
    assert np.quantile(report.latencies_us, 0.995) >= FELT_US


def test_a_server_that_stops_for_one_in_a_hundred_requests_shows_it_in_p99() -> None:
    """It answers nobody meanwhile, and who was meant to leave then is counted from then."""

    async def answer(number: int) -> bytes | None:
        if number % 100 == 0:
            time.sleep(0.05)
        return GOOD

    latencies = run(answer, 400, 3).latencies_us
    found = quantiles(latencies, "us")
    assert len(latencies) > 1000
    assert (found["p99_us"] or 0) >= 45_000


def test_a_stall_is_felt_by_every_request_that_was_meant_to_leave_in_it() -> None:
    """A closed loop would count one slow request per connection and miss all that queued."""
    free_from = 0.0

    async def answer(number: int) -> bytes | None:
        nonlocal free_from
        now = asyncio.get_running_loop().time()
        if number == 50:
            free_from = now + 0.5
        await asyncio.sleep(max(0.0, free_from - now))
        return GOOD

    report = run(answer, 200, 1.5, connections=2)
    slow = [each for each in report.latencies_us if each > 100_000]
    assert len(slow) > 20, "about 80 were meant to leave in the first 0.4 s of the stall"


def test_what_a_stalled_server_never_answers_is_counted_with_the_time_it_waited() -> None:
    async def answer(number: int) -> bytes | None:
        if number > 20:
            await asyncio.sleep(60)
        return GOOD

    report = run(answer, 200, 1, connections=4, grace=0.2)
    assert report.answered == 20
    assert report.unanswered > 50
    assert len(report.latencies_us) == report.answered + report.unanswered
    assert np.quantile(report.latencies_us, 0.5) > 200_000


def test_answers_that_are_not_200_and_broken_connections_are_failures() -> None:
    async def answer(number: int) -> bytes | None:
        return BAD if number == 5 else None if number == 9 else GOOD

    report = run(answer, 100, 0.5)
    assert report.failed == 2
    assert report.answered == len(report.latencies_us) - 2
    assert report.statuses == {200: report.answered, 503: 1, NO_ANSWER: 1}
    assert len(report.accepted_us) == report.answered


def test_a_closed_loop_sends_as_fast_as_it_is_answered() -> None:
    report = run(at_once, None, 0.3, connections=4)
    assert report.answered > 4
    assert report.failed == report.unanswered == 0
    assert report.per_second == report.answered / report.seconds


def test_a_connection_that_the_server_closes_is_opened_again() -> None:
    """It says so in its answer, so no request is lost."""

    async def answer(number: int) -> bytes | None:
        return LAST if number % 2 else GOOD

    report = run(answer, None, 0.3, connections=2)
    assert report.answered > 4
    assert report.failed == report.unanswered == report.refused_connections == 0


def test_a_closed_loop_ends_with_its_server() -> None:
    """What was under way is lost; nothing else is."""
    [listener] = [socket.create_server(("127.0.0.1", 0))]

    def serve() -> None:
        clients = [listener.accept()[0] for _ in range(3)]
        listener.close()
        for client in clients:
            assert client.recv(1000) == REQUEST
            client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    report = drive(Plan(listener.getsockname()[1], 3, 60), [REQUEST])
    thread.join()
    assert report.statuses == {NO_ANSWER: 3}
    assert report.refused_connections == 3
    assert report.unanswered == 0
    assert report.seconds < 60


def test_a_run_ends_when_it_is_told_to_and_keeps_the_answers_it_was_asked_for() -> None:
    async def answer(number: int) -> bytes | None:
        return BAD if number % 2 else GOOD

    async def stopped(port: int) -> Report:
        stop = asyncio.Event()
        work = run_until(Plan(port, 4, 60, grace=20), [REQUEST], stop, frozenset({200}))
        running = asyncio.create_task(work)
        while sum(counted) < 20:
            await asyncio.sleep(0.01)
        stop.set()
        return await running

    counted: list[int] = []

    async def counting(number: int) -> bytes | None:
        counted.append(1)
        return await answer(number)

    with server(counting) as port:
        report = asyncio.run(stopped(port))
    assert report.seconds < 60
    assert set(report.statuses) == {200, 503}
    kept = generator_pool.Answer(200, {b"content-length": b"2"}, b"ok")
    assert report.kept == [kept] * report.answered


def test_runs_take_turns_on_the_same_connections() -> None:
    """A pool is opened once: closed loops and arrivals at a rate follow each other."""

    async def turns(port: int) -> tuple[Report, Report, int]:
        async with generator_pool.Pool(port, [REQUEST]) as pool:
            await pool.connect(6)
            before = set(pool.connections)
            closed = await run_in(pool, Plan(port, 2, 0.2, grace=20))
            arriving = await run_in(pool, Plan(port, 6, 0.2, rate=200, grace=20))
            return closed, arriving, len(before & pool.connections)

    with server(at_once) as port:
        closed, arriving, same = asyncio.run(turns(port))
    assert same == 6
    assert closed.answered > 0
    assert arriving.answered == len(arriving.late_us) > 0
    assert not closed.late_us


def test_arrivals_are_the_same_for_the_same_seed() -> None:
    """Two runs offer the same number of requests, whatever the server does."""
    first, second = run(at_once, 100, 0.5), run(one_in_fifty_sleeps, 100, 0.5)
    assert first.answered == second.answered
