"""uvicorn's protocol, with limits: a request reaches the application only when it is whole.

So a slow client costs a socket and no task; bodies are bounded while they arrive; and the number of
whole requests that wait is known before the next one is taken, which is where load is shed.
"""

import asyncio
from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import Any
from urllib.parse import unquote

import msgspec
from httptools import parse_url
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from ..metrics.counters import AT, Counters
from .bare import CHANGED, CLOSE, CONTINUE, CROWDED, bare_answer, is_oip
from .problem import Problem
from .reading import SMALL, Reading
from .refusing import endpoint_of
from .rules import TOO_LONG
from .shared import Limits, State
from .stalling import Stalling

ARRIVED = "credit.arrived"
BODY = "credit.body"
LENGTH = b"content-length"
CONNECTIONS = AT["plain", "connections"]


class Outlet(msgspec.Struct, frozen=True):
    """What uvicorn's cycle may do with the transport."""

    write: Callable[[bytes], None]
    is_closing: Callable[[], bool]
    close: Callable[[], None]


class WholeRequests(Stalling):
    """One connection."""

    # In few places of memory: a refused connection is rarely in the processor's caches.
    __slots__ = ("_drops", "_ended", "_held", "_outlet", "_rejection", "_shedding")

    def __init__(
        self,
        limits: Limits,
        counters: Counters,
        state: State,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._prepare(limits, counters, state)
        self._begin()
        self._begin_writing()
        self._ended = self._shedding = False
        self._outlet: Any = None
        self._drops: bool | None = None  # the body; None until it is asked
        self._rejection: Problem | None = None
        self._held: Any = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock: the first head is due."""
        super().connection_made(transport)
        self._outlet = Outlet(transport.write, transport.is_closing, self.part)
        self.waiting_since = self.loop.time()
        self.counters.row[CONNECTIONS] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; uvicorn tells the last request, not the one being answered."""
        if self._answering is not None:
            self._answering.disconnected = True
        self._release()
        if self._lingers is not None:
            self._lingers.cancel()
        super().connection_lost(exc)
        self.counters.row[CONNECTIONS] -= 1

    def data_received(self, data: bytes) -> None:
        """Feed the parser; a request that is still not whole has its time running."""
        if self._is_deaf or self.parser is None:
            return
        if self._to_drop:
            data = self._drop(data)
        elif self._sheds:
            self._is_held_back = True
            self.flow.pause_reading()
        elif self._is_full() and self._shed_unparsed(data):
            return
        if data:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        if self.pipeline or self._backlog or self.flow.write_paused:
            self._backlog += data
            self._idle_since = None
            self._hold(len(data))
            self.flow.pause_reading()
            return
        self._ended, before = False, self._body_bytes
        count = len(data)
        self._came = self._came + count if self._in_head or self._in_body else count
        if count <= SMALL:
            self._feed(data)
        else:
            count = self._feed_in_parts(data)
        if (self._in_head or self._in_body) and not self._is_deaf:
            self._wait_for_more(count, self._in_body and self._body_bytes != before)
        if self._backlog:
            self._hold(len(data) - count)

    def _wait_for_more(self, count: int, has_body: bool) -> None:
        """Hold what has come of a request that is not whole."""
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        if self._in_body and self._drops is None:
            self._ask_for_body()
        if not self._drops:
            self._hold(count)
        if not (has_body or self._ended):  # else most of it may be the body before
            self._bound_head(count)

    def _hold(self, count: int) -> None:
        self._holds += count
        self.state.arrivals.hold(self, count)

    def _go_on(self) -> None:
        """Parse and read on, as far as nothing is queued."""
        if self.flow.write_paused:
            return
        if self._backlog and not self.pipeline:
            data, self._backlog = self._backlog, b""
            self._release()
            self._parse(data)
            if self._has_ended and not self._backlog:  # what is not whole will never be
                self._in_head = self._in_body = False
        if not (self.pipeline or self._backlog or self._is_held_back):
            self.flow.resume_reading()

    def _ask_for_body(self) -> None:
        self._drops = not self._keeps_body()
        if self._drops:
            self._forget_body()

    def _keeps_body(self) -> bool:
        gate = self.state.gate
        return gate is None or gate.keeps(self._path(), self._fields)

    def _refusal(self) -> Problem | None:
        """Return what there is to say to the head alone."""
        gate = self.state.gate
        return None if gate is None else gate.refusal(self._path(), self._fields)

    def _path(self) -> str:
        path = parse_url(self.url).path.decode("ascii")
        return unquote(path) if "%" in path else path

    def _forget_body(self) -> None:
        """Hold nothing of the request in hand any more."""
        if self._in_body and self._body_bytes:  # else the cycle is that of the request before
            self.cycle.body = bytearray()

    def _forget_request(self) -> None:
        """Hold no head and no body where nothing is asked: an idle connection costs a socket."""
        self.headers, self._fields, self._answering = [], {}, None
        self.cycle = self.scope = None  # type: ignore[assignment]

    def _release(self) -> None:
        if self._holds:
            self.state.arrivals.release(self, self._holds)
            self._holds = 0

    def _give_up_request(self) -> None:
        self._reject(CROWDED)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that sends no more but still waits for an answer."""
        self._has_ended = True
        waits = self._sheds > 0 or self._rejection is not None or self._is_asked()
        return waits and self.scheme == "http"

    def tick(self, now: float) -> float:
        """Do what is due; return when, at the earliest, something is due again (the loop's time).

        Only what begins after `now` may be due sooner: the shortest of the limits from then.
        """
        slow = min(self._stalled_until(), self._waits_until())
        idle = inf if self._idle_since is None else self._idle_since + self.timeout_keep_alive
        if now > slow:
            self.time_out()
        elif now > idle:
            self.timeout_keep_alive_handler()
        else:
            return min(slow, idle)
        return inf

    def time_out(self) -> None:
        """Close a slow connection, with 408 where a request had begun."""
        self.counters.add("timeouts")
        if self.loop.time() > self._stalled_until():
            self.transport.abort()  # a close would wait for the client, and so would its answer
        elif self._in_head or self._in_body:
            self._reject(Problem(408, "the request did not arrive in time"))
        else:
            self.transport.close()

    def _waits_until(self) -> float:
        """Until when the client may send its head, or its body."""
        if self.waiting_since is None:
            return inf
        limits = self.limits
        return self.waiting_since + (limits.body_seconds if self._in_body else limits.head_seconds)

    def drain(self) -> None:
        """Close after the answer in hand; the state tells the next requests."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def is_idle(self) -> bool:
        """Whether no request is being received or answered."""
        return self._parted or (self._is_free() and not (self._in_head or self._in_body))

    def on_message_begin(self) -> None:
        """Begin a request."""
        if not self._is_deaf:
            super().on_message_begin()
            self._begin_message()

    def _begin_message(self) -> None:
        self._idle_since = self._drops = None
        self._in_head, self._shedding = True, False
        self._trailer_bytes = self._body_bytes = self._unbodied = 0

    def _on_head(self) -> None:
        """Shed what is too much before its body comes; else hold it for its body."""
        if self._is_too_much():
            self._shedding = self._drops = True
        elif int(self._fields.get(LENGTH, 0)) > self.limits.max_body:
            self._reject_body()
        else:
            self._open()

    def on_body(self, body: bytes) -> None:
        """Collect the body up to its bound."""
        if self._shedding or self._is_deaf:
            return
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.max_body:
            self._reject_body()
        elif not self._drops:
            self.cycle.body += body

    def on_message_complete(self) -> None:
        """Let the request in."""
        if self._offers or self._is_deaf:
            return
        if self._trailer_bytes and self._is_head_too_long():
            self._reject(TOO_LONG)
            return
        if self._drops and not self._shedding and self._keeps_body():
            self._reject(CHANGED)
            return
        self._in_body, self._ended, self.waiting_since = False, True, None
        self._is_deaf = not self._keep  # what comes behind is not answered
        if self._holds:
            self.state.arrivals.whole(self)
        if self.transport.is_closing():
            return
        if self._shedding:
            self._begin_shed(self._keep)
        else:
            self._admit()

    def _open(self) -> None:
        """Take a request whose head is there."""
        super(Reading, self).on_headers_complete()
        self.cycle.transport = self._outlet

    def _admit(self) -> None:
        """Let a request in whose body is there too."""
        cycle = self.cycle
        if self._held is not None and self._is_full() and self._is_post():  # since its head came
            self._held, cycle.response_complete, cycle.body = None, True, bytearray()
            self._begin_shed(self._keep)
            return
        self.scope[ARRIVED] = perf_counter()  # type: ignore[literal-required]
        self.scope[BODY] = body = bytes(cycle.body)  # type: ignore[literal-required]
        cycle.keep_alive = self._keep
        cycle.body, cycle.waiting_for_100_continue = body, False  # type: ignore[assignment]
        super().on_message_complete()
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            self._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.more_body:
            self._held = (cycle, app)
            if cycle.waiting_for_100_continue:
                self._invite_body()
            return
        if self.state.draining:
            cycle.keep_alive = False
        self._answering = cycle
        super()._start_asgi_task(cycle, self._placed_in_queue(cycle, app))

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._reject(Problem(400, msg))

    def _invite_body(self) -> None:
        if (problem := self._refusal()) is not None:
            self._reject(problem)
            return
        self.transport.write(CONTINUE)
        self.cycle.waiting_for_100_continue = False

    def _reject_body(self) -> None:
        too_large = Problem(413, f"body: wanted at most {self.limits.max_body} bytes")
        self._reject(self._refusal() or too_large)

    def _reject(self, problem: Problem) -> None:
        self.waiting_since = None
        if self._is_deaf or self.transport.is_closing():
            return
        self._is_deaf = True
        self._forget_body()
        self._release()
        self._in_head = self._in_body = False
        self._held, self._backlog = None, b""
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()  # it will never be whole
        self._count(problem.status, self.url or b"")
        self._rejection = problem
        self._say_rejection()

    def on_response_complete(self) -> None:
        """Go on to what comes after an answer, and be it a rejection."""
        self.server_state.total_requests += 1
        if not self._backlog:
            self._release()
        if self._parted or self.transport.is_closing():
            return
        self._next()

    def _next(self) -> None:
        if self.pipeline and not self.flow.write_paused:
            self._start_asgi_task(*self.pipeline.pop())
        self._go_on()
        self._rest()
        self._say_rejection()

    def _rest(self) -> None:
        """Be idle where nothing is to be answered, or close where nothing will be."""
        if self._sheds or self._waits or self._rejection is not None or self._is_asked():
            return
        if self._has_ended:
            self.transport.close()
        elif not (self._in_head or self._in_body):
            self._idle_since = self.loop.time()
            self._forget_request()

    def _say_rejection(self) -> None:
        problem = self._rejection
        if problem is None or self._parted or self.transport.is_closing():
            return
        if self.pipeline or self._is_answering():
            return
        self._rejection = None
        self.transport.write(bare_answer(problem, CLOSE, is_oip(self.url)))
        self.part()

    def _count(self, status: int, url: bytes) -> None:
        """Count what never reaches an endpoint under the endpoint it was meant for."""
        self.counters.request(endpoint_of(url), status)
