"""Load that does not lie: requests leave when they were meant to, and latency counts from then.

Open loop: arrivals are a Poisson process drawn from a seed before the first request, and do not
wait for answers. A request whose connection is still busy queues here, and that wait is part of its
latency, as it would be for a client (Gil Tene's "coordinated omission" is what this avoids).
The clock is perf_counter: the loop's own has milliseconds. How late requests were offered, which is
the generator's fault and part of every latency, is reported.
What fails, or has not been answered when the run ends, is counted and never left out: an unanswered
request enters the distribution with the time it has waited so far, a lower bound.
Closed loop (`rate` None): each connection sends as soon as it has its answer; that is saturation.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import httptools
import msgspec
import numpy as np
import uvloop

GRACE_SECONDS = 2.0
# Timers of the loop have milliseconds: the last stretch before an arrival is spent polling.
POLL_SECONDS = 0.002
OK = 200


class Report(msgspec.Struct, frozen=True):
    """What a run gave: latencies, failures, and how late the generator was; microseconds."""

    latencies_us: list[float]
    answered: int
    failed: int
    unanswered: int
    seconds: float
    late_us: list[float]

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.answered / self.seconds


class Plan(msgspec.Struct, frozen=True):
    """A run: where, how many connections, how long; arrivals a second, or None for closed loop."""

    port: int
    connections: int
    seconds: float
    rate: float | None = None
    seed: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._parser: Any = None
        self._transport: Any = None
        self.meant_at: float | None = None

    def connection_made(self, transport: Any) -> None:
        """Be ready."""
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def send(self, request: bytes, meant_at: float) -> None:
        """Send one request that was meant to leave at `meant_at`."""
        self.meant_at = meant_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Report the answer."""
        status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        self._run.done(self, status == OK)

    def connection_lost(self, error: Exception | None) -> None:
        """Report what was under way as failed."""
        self._run.lost(self)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class Run:
    """The state of one run."""

    def __init__(self, plan: Plan, requests: Sequence[bytes]) -> None:
        self._plan = plan
        self._requests = requests
        self._loop = asyncio.get_running_loop()
        self._idle: deque[Connection] = deque()
        self._connections: list[Connection] = []
        self._waiting: deque[float] = deque()
        self._sent = self._answered = self._failed = 0
        self._latencies: list[float] = []
        self._late: list[float] = []
        self._closing = False
        self._end = 0.0

    async def connect(self) -> None:
        """Open all connections; raises OSError."""
        for _ in range(self._plan.connections):
            _, connection = await self._loop.create_connection(
                lambda: Connection(self), "127.0.0.1", self._plan.port
            )
            self._connections.append(connection)
            self._idle.append(connection)

    async def drive(self) -> Report:
        """Run the plan, then wait a bounded time for the last answers."""
        began = perf_counter()
        self._end = began + self._plan.seconds
        if self._plan.rate is None:
            for _ in range(len(self._idle)):
                self._offer(perf_counter())
            await asyncio.sleep(self._plan.seconds)
        else:
            await self._arrive(began, self._plan.rate)
        took = perf_counter() - began
        await self._drain()
        return self._report(took)

    async def _arrive(self, began: float, rate: float) -> None:
        rng = np.random.default_rng(self._plan.seed)
        gaps = rng.exponential(1 / rate, int(rate * self._plan.seconds * 1.5) + 50)
        for at in (began + np.cumsum(gaps)).tolist():
            if at >= self._end:
                break
            await until(at)
            self._late.append((perf_counter() - at) * 1e6)
            self._offer(at)
        await until(self._end)

    def _offer(self, meant_at: float) -> None:
        self._waiting.append(meant_at)
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting and self._idle:
            request = self._requests[self._sent % len(self._requests)]
            self._sent += 1
            self._idle.popleft().send(request, self._waiting.popleft())

    def done(self, connection: Connection, good: bool) -> None:
        """Take one answer, and send what waits."""
        self._finish(connection, good)
        self._idle.append(connection)
        now = perf_counter()
        if self._plan.rate is None and now < self._end:
            self._waiting.append(now)
        self._send_waiting()

    def lost(self, connection: Connection) -> None:
        """Count a connection the server closed; it is not opened again."""
        if self._closing:
            return
        if connection.meant_at is not None:
            self._finish(connection, False)
        elif connection in self._idle:
            self._idle.remove(connection)

    def _finish(self, connection: Connection, good: bool) -> None:
        if connection.meant_at is not None:
            self._latencies.append((perf_counter() - connection.meant_at) * 1e6)
        connection.meant_at = None
        self._answered += good
        self._failed += not good

    def _open(self) -> list[float]:
        under_way = [each.meant_at for each in self._connections if each.meant_at is not None]
        return [*under_way, *self._waiting]

    async def _drain(self) -> None:
        end = perf_counter() + GRACE_SECONDS
        while self._open() and perf_counter() < end:
            await asyncio.sleep(0.01)

    def _report(self, took: float) -> Report:
        now, left = perf_counter(), self._open()
        self._closing = True
        for connection in self._connections:
            connection.close()
        waited = [(now - meant_at) * 1e6 for meant_at in left]
        return Report(
            self._latencies + waited, self._answered, self._failed, len(left), took, self._late
        )


async def until(moment: float) -> None:
    """Return at `moment`, on perf_counter's clock, or as soon after it as answers allow."""
    while (left := moment - perf_counter()) > 0:
        await asyncio.sleep(left - POLL_SECONDS if left > POLL_SECONDS else 0)


async def run(plan: Plan, requests: Sequence[bytes]) -> Report:
    """Carry out a plan with `requests`, whole HTTP requests, in turn; raises OSError."""
    work = Run(plan, requests)
    await work.connect()
    return await work.drive()


def drive(plan: Plan, requests: Sequence[bytes]) -> Report:
    """Carry out a plan in an event loop of its own; raises OSError."""
    return uvloop.run(run(plan, requests))
