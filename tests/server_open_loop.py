"""Load that does not wait for answers: requests leave at their rate, on connections that are open.

It costs the processor little and its collector is off: a generator that stops for a tenth of a
second leaves the server idle, and then offers in a millisecond what nobody could take.
"""

import asyncio
import gc
from collections import Counter, deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import uvloop

HOST = "127.0.0.1"
GRACE_SECONDS = 5.0


@dataclass
class Offered:
    """What came of the requests; goodput counts what was answered with 200 while load came."""

    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    goodput: float = 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, offered: Offered, idle: "deque[Connection]") -> None:
        self._offered = offered
        self._idle = idle
        self._got = b""
        self._sent_at: float | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Be ready."""
        self.transport = transport
        self._idle.append(self)

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
        offered, took = self._offered, perf_counter() - self._sent_at
        self._got, self._sent_at = b"", None
        offered.statuses[status] += 1
        if status == 200:
            offered.seconds.append(took)
        elif status == 503:
            offered.retry_after[fields.get(b"retry-after", b"none").decode()] += 1
        if fields.get(b"connection") == b"close":
            self.transport.close()
        else:
            self._idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the request that gets no answer, and be used no more."""
        if self._sent_at is not None:
            self._offered.failed.append(repr(error))
        elif self in self._idle:
            self._idle.remove(self)

    def give_up(self) -> None:
        """Close; a request that is still under way has failed."""
        self.transport.abort()


async def offer(port: int, bodies: list[bytes], rate: float, seconds: float) -> Offered:
    """Post `bodies` in turn to /score, `rate` times a second, on a second's connections.

    They are open before, as a pool's are: an event loop takes one new connection a turn. The one
    that was idle longest is next, so who was told to try again in a second does. An accepted
    request's seconds count from when it left; `late` says how late it did.
    """
    offered, idle, requests = Offered(), deque(), [request(body) for body in bodies]  # type: ignore[var-annotated]
    await connect(offered, idle, port, int(rate))
    every = list(idle)
    await asyncio.sleep(1.0)
    began = perf_counter()
    for i in range(int(rate * seconds)):
        due = began + i / rate
        if (early := due - perf_counter()) > 0:
            await asyncio.sleep(early)
        if not idle:
            await connect(offered, idle, port, 1)
            every += idle
        offered.late.append(perf_counter() - due)
        idle.popleft().send(requests[i % len(requests)])
    offered.goodput = offered.statuses[200] / (perf_counter() - began)
    end = perf_counter() + GRACE_SECONDS
    while len(idle) < len(every) and perf_counter() < end:
        await asyncio.sleep(0.01)
    for connection in every:
        connection.give_up()
    await asyncio.sleep(0)
    return offered


async def connect(offered: Offered, idle: deque[Connection], port: int, count: int) -> None:
    """Open `count` connections; raises OSError."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(lambda: Connection(offered, idle), HOST, port)


def request(body: bytes) -> bytes:
    """Return a whole POST."""
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def run(port: int, bodies: list[bytes], rate: float, seconds: float) -> Offered:
    """Carry `offer` out in an event loop of its own, with the collector off; raises OSError."""
    gc.disable()
    try:
        return uvloop.run(offer(port, bodies, rate, seconds))
    finally:
        gc.enable()
