"""Load that does not lie: requests leave when they were meant to, and latency counts from then.

Open loop: arrivals are a Poisson process drawn from a seed, and do not wait for answers. A request
that finds no idle connection queues here, and that wait is part of its latency, as it would be for
a client (Gil Tene's "coordinated omission" is what this avoids). The clock is perf_counter: the
loop's own has milliseconds. How late requests were offered, which is the generator's fault and part
of every latency, is reported.
What fails, or has not been answered when the run ends, is counted and never left out: an unanswered
request enters the distribution with the time it has waited so far, a lower bound.
Closed loop (`rate` None): each connection sends as soon as it has its answer. wrk does that faster
(wrk.py); this one also keeps answers, and ends when the server does.
"""

import asyncio
import gc
from collections import Counter, deque
from collections.abc import Sequence
from time import perf_counter

import msgspec
import numpy as np
import uvloop

from .pool import Answer, Connection, Pool

GRACE_SECONDS = 2.0
# Timers of the loop have milliseconds: the last stretch before an arrival is spent polling.
POLL_SECONDS = 0.002
OK = 200


class Report(msgspec.Struct, frozen=True):
    """What a run gave; times in microseconds.

    `outcomes` are (status, latency) of every request but those still unanswered at the end, whose
    waiting times stand in `waited_us`; the status is NO_ANSWER where the connection was lost.
    """

    outcomes: list[tuple[int, float]]
    waited_us: list[float]
    seconds: float
    late_us: list[float]
    refused_connections: int
    kept: list[Answer]

    @property
    def statuses(self) -> Counter[int]:
        """How many requests had each status."""
        return Counter(status for status, _ in self.outcomes)

    @property
    def latencies_us(self) -> list[float]:
        """Of all requests, whatever came of them."""
        return [latency for _, latency in self.outcomes] + self.waited_us

    @property
    def accepted_us(self) -> list[float]:
        """Of requests answered with 200."""
        return [latency for status, latency in self.outcomes if status == OK]

    @property
    def answered(self) -> int:
        """Requests answered with 200."""
        return self.statuses[OK]

    @property
    def failed(self) -> int:
        """Requests with another answer, or whose connection was lost."""
        return len(self.outcomes) - self.answered

    @property
    def unanswered(self) -> int:
        """Requests still waiting when the run had ended."""
        return len(self.waited_us)

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.answered / self.seconds


class Plan(msgspec.Struct, frozen=True):
    """A run: how many connections, how long; arrivals a second, or None for the closed loop.

    `grace` are the seconds that the last answers may take. A run of the closed loop also ends when
    the server accepts no connection any more.
    """

    port: int
    connections: int
    seconds: float
    rate: float | None = None
    seed: int = 0
    grace: float = GRACE_SECONDS


class Run:
    """The state of one run."""

    def __init__(self, plan: Plan, pool: Pool, stop: asyncio.Event) -> None:
        self._plan, self._pool, self._stop = plan, pool, stop
        self._waiting: deque[float] = deque()
        self._outcomes: list[tuple[int, float]] = []
        self._late: list[float] = []
        self._kept: list[Answer] = []
        self._refused = 0
        self._end = 0.0

    async def drive(self) -> Report:
        """Run the plan, then wait a bounded time for the last answers."""
        began = perf_counter()
        self._end = began + self._plan.seconds
        if self._plan.rate is None:
            await self._keep_busy()
        else:
            await self._arrive(began, self._plan.rate)
        self._stop.set()
        took = perf_counter() - began
        await self._drain()
        return self._report(took)

    async def _keep_busy(self) -> None:
        for _ in range(self._plan.connections):
            self._offer(perf_counter())
        try:
            async with asyncio.timeout(self._plan.seconds):
                await self._stop.wait()
        except TimeoutError:
            pass
        self._waiting.clear()  # who waits for a connection has sent nothing

    async def _arrive(self, began: float, rate: float) -> None:
        rng, at = np.random.default_rng(self._plan.seed), began
        while (at := at + rng.exponential(1 / rate)) < self._end and not self._stop.is_set():
            await until(at)
            self._late.append((perf_counter() - at) * 1e6)
            self._offer(at)
        if not self._stop.is_set():
            await until(self._end)

    def _offer(self, meant_at: float) -> None:
        self._waiting.append(meant_at)
        self._pool.send(self._waiting)

    def done(self, connection: Connection, status: int, meant_at: float) -> None:
        """Receive one request's result, and send what waits."""
        now = perf_counter()
        self._outcomes.append((status, (now - meant_at) * 1e6))
        if (answer := connection.answer(status)) is not None:
            self._kept.append(answer)
        if self._plan.rate is None and now < self._end and not self._stop.is_set():
            self._waiting.append(now)
        self.proceed()

    def proceed(self) -> None:
        """Send what waits, if a connection is idle."""
        self._pool.send(self._waiting)

    def refused(self, is_last: bool) -> None:
        """Count a connection that the server did not accept; the last one ends the closed loop."""
        self._refused += 1
        if self._plan.rate is None and self._waiting:
            self._waiting.popleft()
        if self._plan.rate is None and is_last:
            self._stop.set()

    def _open(self) -> list[float]:
        under_way = [each.meant_at for each in self._pool.connections]
        return [*(each for each in under_way if each is not None), *self._waiting]

    async def _drain(self) -> None:
        end = perf_counter() + self._plan.grace
        while self._open() and perf_counter() < end:
            await asyncio.sleep(0.01)

    def _report(self, took: float) -> Report:
        now = perf_counter()
        waited = [(now - meant_at) * 1e6 for meant_at in self._open()]
        return Report(self._outcomes, waited, took, self._late, self._refused, self._kept)


async def until(moment: float) -> None:
    """Return at `moment`, on perf_counter's clock, or as soon after it as answers allow."""
    while (left := moment - perf_counter()) > 0:
        await asyncio.sleep(left - POLL_SECONDS if left > POLL_SECONDS else 0)


async def run_in(pool: Pool, plan: Plan, stop: asyncio.Event | None = None) -> Report:
    """Carry out a plan on the connections of a pool, until `stop` is set; raises OSError."""
    await pool.connect(plan.connections)
    pool.loop = work = Run(plan, pool, stop or asyncio.Event())
    try:
        return await work.drive()
    finally:
        pool.loop = None


async def run(
    plan: Plan,
    requests: Sequence[bytes],
    stop: asyncio.Event | None = None,
    keep: frozenset[int] = frozenset(),
) -> Report:
    """Carry out a plan with `requests`, whole HTTP requests, in turn; raises OSError.

    It ends early when `stop` is set; answers of the statuses in `keep` are kept whole.
    """
    async with Pool(plan.port, requests, keep) as pool:
        return await run_in(pool, plan, stop)


def drive(plan: Plan, requests: Sequence[bytes]) -> Report:
    """Carry out a plan in an event loop of its own, with the collector off; raises OSError."""
    gc.disable()
    try:
        return uvloop.run(run(plan, requests))
    finally:
        gc.enable()
