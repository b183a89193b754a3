"""Load that does not wait for answers: requests leave at their rate, on connections that are open.

Rounds of it take turns with rounds of as many requests under way as a server takes, on the same
connections: what a server does at a rate is compared with what it did a second before and after.

It costs the processor little and its collector is off: a generator that stops for a tenth of a
second leaves the server idle, and then offers in a millisecond what nobody could take.
"""

import asyncio
import gc
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import Any

import uvloop

HOST = "127.0.0.1"
GRACE_SECONDS = 5.0


@dataclass
class Came:
    """What came of a round's requests; `rate` counts those answered with 200 while it lasted."""

    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    rate: float = 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._got = b""
        self._sent_at: float | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Be ready."""
        self.transport = transport
        self._pool.idle.append(self)

    def send(self, request: bytes) -> None:
        """Send one request."""
        self._sent_at = perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Tally an answer that is whole."""
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:])
        if len(body) == int(fields[b"content-length"]):
            self._tally(int(lines[0].split()[1]), fields)

    def _tally(self, status: int, fields: dict[bytes, bytes]) -> None:
        assert self._sent_at is not None, "an answer to no request"
        came, took = self._pool.came, perf_counter() - self._sent_at
        self._got, self._sent_at = b"", None
        came.statuses[status] += 1
        if status == 200:
            came.seconds.append(took)
        elif status == 503:
            came.retry_after[fields.get(b"retry-after", b"none").decode()] += 1
        if fields.get(b"connection") == b"close":
            self.transport.close()
        else:
            self._pool.idle.append(self)
            self._pool.answered()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the request that gets no answer, and be used no more."""
        self._pool.open -= 1
        if self._sent_at is not None:
            self._pool.came.failed.append(repr(error))
        elif self in self._pool.idle:
            self._pool.idle.remove(self)


class Pool:
    """Connections to `port` that post `bodies` in turn to /score.

    They are opened before a round, as a pool's are: an event loop takes one new connection a turn.
    The one that was idle longest is next, so who was told to try again in a second does.
    """

    def __init__(self, port: int, bodies: list[bytes]) -> None:
        self._port = port
        self._requests = cycle([request(body) for body in bodies])
        self._is_refilled = False
        self.idle: deque[Connection] = deque()
        self.open = 0
        self.came = Came()

    async def connect(self, count: int) -> None:
        """Have `count` connections at least; raises OSError."""
        loop = asyncio.get_running_loop()
        while self.open < count:
            self.open += 1
            await loop.create_connection(lambda: Connection(self), HOST, self._port)

    async def saturate(self, under_way: int, seconds: float) -> Came:
        """Keep so many requests under way."""
        self.came = came = Came()
        self._is_refilled, began = True, perf_counter()
        for _ in range(under_way):
            self._send()
        await asyncio.sleep(seconds)
        came.rate = came.statuses[200] / (perf_counter() - began)
        self._is_refilled = False
        await self._come_to_rest()
        return came

    async def offer(self, rate: float, seconds: float) -> Came:
        """Post `rate` times a second; `late` says how late requests left."""
        self.came = came = Came()
        began = perf_counter()
        for i in range(int(rate * seconds)):
            due = began + i / rate
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            if not self.idle:
                await self.connect(self.open + 1)
            came.late.append(perf_counter() - due)
            self._send()
        came.rate = came.statuses[200] / (perf_counter() - began)
        await self._come_to_rest()
        return came

    def answered(self) -> None:
        """Send the next, where answers are followed by requests."""
        if self._is_refilled:
            self._send()

    def _send(self) -> None:
        self.idle.popleft().send(next(self._requests))

    async def _come_to_rest(self) -> None:
        end = perf_counter() + GRACE_SECONDS
        while len(self.idle) < self.open and perf_counter() < end:
            await asyncio.sleep(0.01)
        self.came.failed += ["no answer"] * (self.open - len(self.idle))


def request(body: bytes) -> bytes:
    """Return a whole POST."""
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def turns(
    pool: Pool, under_way: int, times: float, rounds: int, seconds: float
) -> tuple[list[Came], list[Came]]:
    """Offer `times` what was taken right before, round by round; return both kinds of rounds.

    There is one more of those that keep `under_way` requests under way: the last. Raises OSError.
    """
    await pool.connect(under_way)
    full, offered = [await pool.saturate(under_way, seconds)], list[Came]()
    await pool.connect(int(times * full[0].rate))
    for _ in range(rounds):
        offered.append(await pool.offer(times * full[-1].rate, seconds))
        full.append(await pool.saturate(under_way, seconds))
    return full, offered


def run(
    port: int, bodies: list[bytes], under_way: int, times: float, rounds: int, seconds: float
) -> tuple[list[Came], list[Came]]:
    """Carry `turns` out in an event loop of its own, with the collector off; raises OSError."""
    gc.disable()
    try:
        return uvloop.run(turns(Pool(port, bodies), under_way, times, rounds, seconds))
    finally:
        gc.enable()
