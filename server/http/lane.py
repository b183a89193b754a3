"""The fast lane: a score answered inside the protocol, in one write and without ASGI.

It takes the usual request: POST on a path it knows, whose length is told, on a connection that has
nothing else to be answered. Every other falls through to ASGI, unchanged. The handler is the same.
"""

from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .bare import CLOSE
from .endpoint import Handler
from .fields import Fields
from .heads import Head, Heads
from .message import Answer, Request
from .problem import Headers, Problem
from .protocol import LENGTH, WholeRequests
from .reading import SMALL
from .turn import Asked, Turn

# The lane stands in for parts of uvicorn that are nobody's promise: these are what it was read for.
KNOWN_UVICORN = "0.54."
STATUS_LINE: dict[int, bytes] = {
    each: b"HTTP/1.1 %d %b" % (each, each.phrase.encode()) for each in HTTPStatus
}
MOST_PARTS = 64
NOT_YET = Answer("", 0, [], b"")
# Fields that ask for more than an answer; what a key is stored with is committed by itself.
SPECIAL = frozenset({b"transfer-encoding", b"expect", b"idempotency-key"})


class FastLane(WholeRequests):
    """One connection; `handlers` are by path, as it stands in the request line."""

    __slots__ = (
        "_handler", "_handlers", "_heads", "_parts", "_stays", "_turn", "_whole",
    )  # fmt: skip

    def __init__(
        self, handlers: Mapping[bytes, Handler], turn: Turn, heads: Heads, *arguments: Any,
        **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(*arguments, **more)
        self._handlers = handlers
        self._turn = turn
        self._heads = heads
        self._whole: bytes | None = None  # what may turn out to be one request and no more
        self._handler: Handler | None = None
        self._parts: list[bytes | bytearray] = []
        self._stays = True  # the connection, behind the answer in hand

    def _parse(self, data: bytes) -> None:
        if self._in_head or self._in_body or not self._is_free() or self.flow.write_paused:
            super()._parse(data)
        elif (known := self._heads.of(data)) is not None and not self._is_full():
            self._take(*known)
        else:
            self._whole = data
            super()._parse(data)
            self._whole = None

    def _plain_post(self, data: bytes) -> tuple[bytes, int] | None:
        """Spare the pattern a head that was parsed before."""
        if (known := self._heads.begins(data)) is None:
            return super()._plain_post(data)
        head, end = known
        return head.url, end + head.body_length

    def _take(self, head: Head, body: bytes) -> None:
        """Do what the parser's calls would do."""
        self._idle_since, self.waiting_since = None, None
        self.url, self._fields = head.url, head.fields
        self._wait(head.handler, body, True)

    def on_message_begin(self) -> None:
        """Begin a request; what only ASGI needs is made when it falls through."""
        if not self._is_deaf:
            self.url, self.headers, self.expect_100_continue = b"", [], False
            self._handler = self._idle_since = self._drops = None
            self._in_head, self._shedding = True, False
            self._trailer_bytes = self._body_bytes = self._unbodied = 0

    def on_body(self, body: bytes) -> None:
        """Collect the body; its length is within the bound."""
        if self._handler is None:
            super().on_body(body)
        else:
            self._body_bytes += len(body)
            if not self._drops:
                self._parts.append(body)
                if len(self._parts) == MOST_PARTS:
                    self._join_parts()

    def _join_parts(self) -> None:
        """Hold a body of many small parts in one piece: an object each would be dearer than it."""
        first, *others = self._parts
        whole = first if isinstance(first, bytearray) else bytearray(first)
        whole += b"".join(others)
        self._parts[:] = [whole]

    def _forget_body(self) -> None:
        if self._handler is None:
            super()._forget_body()
        else:
            self._parts.clear()

    def _open(self) -> None:
        handler = self._handlers.get(self.url)
        if handler is not None and self._fits(self._fields):
            self._handler, self._parts = handler, []
            return
        self._answer_first()
        if not self._is_deaf:
            self._make_scope()
            super()._open()

    def _make_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        HttpToolsProtocol.on_message_begin(self)
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers

    def _fits(self, fields: Fields) -> bool:
        """Whether the lane may take it; of a connection, one in a turn, so that none starves."""
        return (
            LENGTH in fields
            and SPECIAL.isdisjoint(fields)
            and self.parser.get_method() == b"POST"
            and self._is_free()
            and not self.flow.write_paused
        )

    def _is_full(self) -> bool:
        return len(self.state.answering) + len(self._turn.waiting) >= self.limits.max_in_flight

    def _admit(self) -> None:
        if self._handler is None:
            super()._admit()
        elif self._is_full():  # others became whole while this one's body was on its way
            self._parts.clear()
            self._begin_shed(self._keep)
        else:
            body, keep = b"".join(self._parts), self._keep
            self._parts.clear()  # an idle connection holds no body
            if self._whole is not None and keep:
                head = Head(self.url, self._fields, self._handler, len(body))
                self._heads.learn(self._whole, head)
            self._wait(self._handler, body, keep)

    def _wait(self, handler: Handler, body: bytes, keep: bool) -> None:
        path = self.url.decode("ascii")
        request = Request("POST", path, self.url, b"", self._fields, body, perf_counter())
        self._waits = True
        self._turn.add(self.loop, Asked(request, NOT_YET, self, handler, keep))

    def finish(self, answer: Answer, keep: bool) -> bytes:
        """See turn.Client."""
        self._waits = False
        if self._holds and not self._backlog:
            self._release()
        self._stays = keep = keep and not self.state.draining
        self.server_state.total_requests += 1
        if not (self._in_head or self._in_body) and self._is_free():
            self._idle_since = self.loop.time()
            if self._came > SMALL:
                self.headers, self._fields = [], {}
        head = self.server_state.default_headers + answer.head
        return whole(answer.status, head, answer.body, b"" if keep else CLOSE)

    def send(self, data: bytes) -> None:
        """See turn.Client; the client may have gone."""
        transport = self.transport
        if not (self._parted or transport.is_closing()):
            transport.write(data)
            if not self._stays:
                self.part()
            elif self._has_ended and not (self._in_head or self._in_body):
                transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer before the transport closes."""
        self._answer_first()
        return super().eof_received()

    def _reject(self, problem: Problem) -> None:
        self._answer_first()
        super()._reject(problem)

    def _answer_first(self) -> None:
        """Answer what this connection waits for, since what comes now must not overtake it."""
        if self._waits:
            self._turn.finish()


def whole(status: int, head: Headers, body: bytes, close: bytes) -> bytes:
    """Return an answer as uvicorn would write it in two parts."""
    fields = [b": ".join(field) for field in head]
    last = b"content-length: %d\r\n%b" % (len(body), close)
    return b"\r\n".join([STATUS_LINE[status], *fields, last, body])


def is_known(version: str = uvicorn.__version__) -> bool:
    """Whether the lane was read against this version of uvicorn."""
    return version.startswith(KNOWN_UVICORN)
