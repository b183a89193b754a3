"""Keep-alive connections of the load generator, and the results of their requests."""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import Any, Protocol, Self

import httptools
import msgspec

HOST = "127.0.0.1"
NO_ANSWER = 0  # stands for the status where the connection was lost


class Answer(msgspec.Struct, frozen=True):
    """A complete answer that was kept; header names are in lower case."""

    status: int
    fields: dict[bytes, bytes]
    body: bytes


class Loop(Protocol):
    """The receiver of the requests' results."""

    def done(self, connection: "Connection", status: int, meant_at: float) -> None:
        """Receive one request's result; NO_ANSWER if its connection was lost."""

    def proceed(self) -> None:
        """Use a connection that was opened again."""

    def refused(self, is_last: bool) -> None:
        """Note that a connection could not be opened again, and whether no other is left."""


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one open request."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._parser: Any = None
        self._transport: Any = None
        self.meant_at: float | None = None

    def connection_made(self, transport: Any) -> None:
        """Become ready."""
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._pool.made(self)

    def send(self, request: bytes, meant_at: float) -> None:
        """Send one request that was meant to leave at `meant_at`."""
        self.meant_at = meant_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Report the answer."""
        status, is_kept_alive = self._parser.get_status_code(), self._parser.should_keep_alive()
        self._parser = httptools.HttpResponseParser(self)
        self._pool.done(self, status, is_kept_alive)

    def connection_lost(self, error: Exception | None) -> None:
        """Report the open request as lost."""
        self._pool.lost(self)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def answer(self, status: int) -> Answer | None:
        """Return the complete answer, if it is kept."""
        return None


class Keeping(Connection):
    """A connection that keeps answers, at the cost of a call for every header field."""

    def __init__(self, pool: "Pool") -> None:
        super().__init__(pool)
        self._fields: dict[bytes, bytes] = {}
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field."""
        self._fields[name.lower()] = value

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._body += part

    def answer(self, status: int) -> Answer | None:
        """Return the kept answer, and begin a new one."""
        whole = Answer(status, self._fields, self._body)
        self._fields, self._body = {}, b""
        return whole if status in self._pool.keep else None


class Pool:
    """Keep-alive connections to one port, for one run or for several in turn.

    The connection that was idle longest is used next. One that the server closes is opened again.
    """

    def __init__(
        self, port: int, requests: Sequence[bytes], keep: frozenset[int] = frozenset()
    ) -> None:
        """Send complete HTTP requests, in turn; keep answers with the statuses in `keep`."""
        self._port = port
        self._requests = cycle(requests)
        self._make = Keeping if keep else Connection
        self._idle: deque[Connection] = deque()
        self._reopening: set[asyncio.Task[None]] = set()
        self.connections: set[Connection] = set()
        self.keep = keep
        self.loop: Loop | None = None

    async def __aenter__(self) -> Self:
        """Return the pool, which closes its connections at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        self.loop = None
        for task in self._reopening:
            task.cancel()
        for connection in self.connections:
            connection.close()
        while self.connections:
            await asyncio.sleep(0)

    async def connect(self, count: int) -> None:
        """Open connections until there are `count`; raises OSError."""
        while len(self.connections) < count:
            await self._open()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self._make(self), HOST, self._port)

    def made(self, connection: Connection) -> None:
        """Add a new connection."""
        self.connections.add(connection)
        self._idle.append(connection)

    def send(self, waiting: deque[float]) -> None:
        """Send as many waiting requests as possible, by their intended times."""
        while waiting and self._idle:
            self._idle.popleft().send(next(self._requests), waiting.popleft())

    def done(self, connection: Connection, status: int, is_kept_alive: bool) -> None:
        """Receive an answer; the connection is used again if the server keeps it open."""
        meant_at, connection.meant_at = connection.meant_at, None
        if is_kept_alive:
            self._idle.append(connection)
        else:
            connection.close()
        if self.loop is not None and meant_at is not None:
            self.loop.done(connection, status, meant_at)

    def lost(self, connection: Connection) -> None:
        """Handle a lost connection: report its request and open another one."""
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self.loop is None:
            return
        if connection.meant_at is not None:
            self.loop.done(connection, NO_ANSWER, connection.meant_at)
        task = asyncio.ensure_future(self._open())
        self._reopening.add(task)
        task.add_done_callback(partial(self._reopened, self.loop))

    def _reopened(self, loop: Loop, task: "asyncio.Task[None]") -> None:
        self._reopening.discard(task)
        if task.cancelled():
            return
        if isinstance(task.exception(), OSError):
            loop.refused(is_last=not self.connections and not self._reopening)
        else:
            loop.proceed()
