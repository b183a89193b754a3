"""uvicorn's protocol, with limits: a request reaches the application only when it is complete.

So a slow client costs a socket but no task; bodies are bounded while they arrive; and the number of
complete requests in the queue is known before another one is accepted, so that load can be shed.

This class only joins the parts of a connection, each of which does one thing and knows no other.
"""

import asyncio
from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ..metrics.counters import AT, Counters
from .arrivals import Share
from .bare import CHANGED, CLOSE, CONTINUE, CROWDED
from .body import Body
from .closing import Closing
from .deadlines import Deadlines
from .endpoint import Handler
from .fast_path import FastPath
from .gate import path_of
from .heads import Head
from .in_flight import Place
from .incoming import SMALL, Incoming
from .limits import Limits
from .message import ARRIVED, BODY, LENGTH, Answer
from .problem import Problem
from .refusals import SHEDS, Refusals
from .rejection import rejection, too_large
from .shared import State
from .shedding import plain_post

CONNECTIONS = AT["plain", "connections"]


class Outlet(msgspec.Struct, frozen=True):
    """The part of the transport that uvicorn's cycle may use."""

    write: Callable[[bytes], None]
    is_closing: Callable[[], bool]
    close: Callable[[], None]


class Connection(HttpToolsProtocol):
    """One connection; without a fast path, ASGI answers everything."""

    # Slots, because a refused connection is rarely in the processor's caches.
    __slots__ = (
        "_answering", "_body", "_closing", "_counters", "_deadlines", "_fast_path", "_handler",
        "_incoming", "_is_held_back", "_is_shed", "_outlet", "_place",
        "_refusals", "_rejection", "_share", "_state", "_stays", "_waits", "_whole",
    )  # fmt: skip

    def __init__(
        self, limits: Limits, counters: Counters, state: State, fast_path: FastPath | None,
        config: Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        self._counters, self._state, self._fast_path = counters, state, fast_path
        self._body = Body()
        self._incoming = Incoming(self, self._body, limits.max_body)
        self._deadlines = Deadlines(limits)
        self._share = Share(state.arrivals, self)
        self._place = Place(state.in_flight)
        self._refusals = Refusals(state.shedding, counters)
        self._closing = Closing()
        self._rejection = b""  # sent after all earlier answers
        self._outlet: Any = None
        self._answering: RequestResponseCycle | None = None
        self._handler: Handler | None = None  # of the arriving request, on the fast path
        self._whole: bytes | None = None  # data that may be exactly one request
        self._waits = False  # waits for the group commit, on the fast path
        self._stays = True  # keep the connection after the fast path's answer
        self._is_shed = self._is_held_back = False
        if not (fast_path is None or config.is_ssl):  # TLS has a handshake first
            fast_path.connected()

    def connection_made(self, transport: Any) -> None:
        """Start the clock for the first head."""
        super().connection_made(transport)
        self._outlet = Outlet(transport.write, transport.is_closing, self._part)
        self._deadlines.wait(self.loop.time())
        self._counters.row[CONNECTIONS] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection; tell the request in progress, where uvicorn tells only
        the last one.
        """
        if self._answering is not None:
            self._answering.disconnected = True
        self._share.close()
        self._closing.cancel()
        self._incoming.close()
        self._outlet = None
        super().connection_lost(exc)
        self._counters.row[CONNECTIONS] -= 1

    # Receiving.

    def data_received(self, data: bytes) -> None:
        """Answer, shed or parse the data."""
        incoming = self._incoming
        if incoming.is_deaf:
            return
        if incoming.skips:
            data = self._skip(data)
        elif self._refusals.owed:
            self._is_held_back = True
            self.flow.pause_reading()
        elif self._state.in_flight.is_full():
            if self._is_at_rest() and self._shed_unparsed(data):
                return
        elif self._takes(data):
            return
        if data:
            self._parse(data)

    def _takes(self, data: bytes) -> bool:
        """Accept a complete request with a known head, doing what the parser's callbacks
        would do.
        """
        fast_path = self._fast_path
        if fast_path is None or not self._is_at_rest():
            return False
        if (known := fast_path.heads.of(data)) is None:
            self._whole = data
            return False
        head, body = known
        deadlines, incoming = self._deadlines, self._incoming
        deadlines.idle_since = deadlines.waiting_since = None
        incoming.url, incoming.fields = head.url, head.fields
        self._waits = True
        fast_path.ask(self.loop, self, head, body, True)
        return True

    def _parse(self, data: bytes) -> None:
        incoming, before = self._incoming, self._body.count
        if incoming.backlog or self._is_blocked():
            incoming.backlog += data
            self._deadlines.idle_since = None
            self._share.hold(len(data))
            self.flow.pause_reading()
            return
        count = incoming.read(data, self._is_blocked)
        self._whole = None
        if (incoming.in_head or incoming.in_body) and not incoming.is_deaf:
            self._wait_for_more(count, incoming.in_body and self._body.count != before)
        if incoming.backlog:
            self._share.hold(len(data) - count)

    def _wait_for_more(self, count: int, has_body: bool) -> None:
        """Hold the bytes of an incomplete request."""
        incoming, body = self._incoming, self._body
        self._deadlines.wait(self.loop.time())
        if incoming.in_body and body.drops is None:
            body.drops = not self._keeps_body()
            if body.drops:
                body.drop()
        if not (incoming.in_body and body.drops):
            self._share.hold(count)
        if not (has_body or incoming.has_ended):  # otherwise most of it may be the previous body
            incoming.bound_head(count)

    def _go_on(self) -> None:
        """Parse and read on until a request is queued."""
        incoming = self._incoming
        if incoming.backlog and not self._is_blocked():
            data, incoming.backlog = incoming.backlog, b""
            self._share.release()
            if self._state.in_flight.is_full() or not self._takes(data):
                self._parse(data)
            if (
                self._closing.has_ended and not incoming.backlog
            ):  # an incomplete request will never be complete
                incoming.in_head = incoming.in_body = False
        if not (incoming.backlog or self._is_held_back or self._is_blocked()):
            self.flow.resume_reading()

    # State.

    def _is_answering(self) -> bool:
        return self._answering is not None and not self._answering.response_complete

    def _is_queued(self) -> bool:
        """Whether what arrives now must wait for ASGI's current answer."""
        answering = self._answering
        return bool(self.pipeline) or (answering is not None and not answering.response_complete)

    def _is_blocked(self) -> bool:
        """Whether parsing must pause: the client takes no answer, or a request is queued."""
        if self.pipeline or self.flow.write_paused:
            return True
        return self._incoming.in_body and self._is_answering()

    def _is_free(self) -> bool:
        """Whether no request on this connection is unanswered."""
        cycle = self.cycle
        return not (self._refusals.owed or self._waits) and (
            cycle is None or cycle.response_complete
        )

    def _is_at_rest(self) -> bool:
        """Whether a request may begin here and be answered next."""
        incoming = self._incoming
        return not (incoming.in_head or incoming.in_body or self.flow.write_paused) and (
            self._is_free()
        )

    def is_idle(self) -> bool:
        """Whether no request is being received or answered."""
        return self._closing.has_parted or (self._is_free() and not self._incoming.is_under_way())

    def _is_over(self) -> bool:
        return self._closing.has_parted or self.transport.is_closing()

    # Events of a request.

    def on_head(self) -> None:
        """Shed a request before its body arrives if there is no room; otherwise find its
        handler.
        """
        incoming, fast_path = self._incoming, self._fast_path
        self._is_shed, self._handler = self._is_too_much(), None
        if self._is_shed:
            self._body.drops = True
            return
        if int(incoming.fields.get(LENGTH, 0)) > incoming.most_body:
            self._reject_body()
            return
        if fast_path is not None and self._is_free() and not self.flow.write_paused:
            self._handler = fast_path.handler(incoming.method(), incoming.url, incoming.fields)
        if self._handler is None:
            self._begin_other()

    def _is_too_much(self) -> bool:
        """Whether to shed: also what was sent after a shed request, to keep the order."""
        if self._refusals.owed:
            return True
        return self._state.in_flight.is_full() and self._is_free() and self._may_be_shed()

    def _may_be_shed(self) -> bool:
        """Whether this request may be shed: health checks and metrics are always answered."""
        return self._incoming.method() == b"POST"

    def _begin_other(self) -> None:
        """Continue with the head of a request for ASGI; an invalid URL raises the parser's
        error.
        """
        incoming = self._incoming
        if self._waits:
            self._answer_first()
        if incoming.is_deaf:
            return
        path_of(incoming.url)
        if self._is_queued():
            self.flow.pause_reading()
        elif incoming.expects:
            self._invite_body()

    def _invite_body(self) -> None:
        self._incoming.expects = False
        if (problem := self._refusal()) is not None:
            self.reject(problem)
        else:
            self.transport.write(CONTINUE)

    def on_too_large(self) -> None:
        """Refuse a body above the limit, unless the request is shed anyway."""
        if not self._is_shed:
            self._reject_body()

    def on_whole(self) -> None:
        """Accept the request, or refuse it if it was shed."""
        incoming, deadlines, is_shed = self._incoming, self._deadlines, self._is_shed
        if self._body.drops and not is_shed and self._keeps_body():
            self.reject(CHANGED)
            return
        deadlines.idle_since = deadlines.waiting_since = None
        incoming.is_deaf = not incoming.keep  # nothing after it is answered
        if self._share.held:
            self._share.whole()
        body = self._body.take()
        if self.transport.is_closing():
            return
        if is_shed or (self._state.in_flight.is_full() and self._is_too_late()):
            self._refusals.owe(self.loop, self, incoming.keep, incoming.url)
        elif self._handler is not None:
            self._ask(self._handler, body)
        else:
            self._run(body)

    def _is_too_late(self) -> bool:
        """Whether to shed a request that had room when its head arrived: others were
        complete first.
        """
        return not self._is_queued() and self._may_be_shed()

    def _keeps_body(self) -> bool:
        gate, incoming = self._state.gate, self._incoming
        return gate is None or gate.keeps(incoming.url, incoming.fields)

    def _refusal(self) -> Problem | None:
        """Return the refusal that the head alone requires, or None."""
        gate, incoming = self._state.gate, self._incoming
        return None if gate is None else gate.refusal(incoming.url, incoming.fields)

    # Answers of the fast path.

    def _ask(self, handler: Handler, body: bytes) -> None:
        """Queue a parsed request to be answered, and remember its head."""
        incoming, fast_path = self._incoming, self._fast_path
        if fast_path is None:
            return
        url, fields, keep = incoming.url, incoming.fields, incoming.keep
        head = Head(url, url.decode("ascii"), fields, handler, len(body))
        if self._whole is not None and keep:
            fast_path.heads.learn(self._whole, head)
        self._waits = True
        fast_path.ask(self.loop, self, head, body, keep)

    def finish(self, answer: Answer, keep: bool) -> bytes:
        """See group_commit.Client."""
        self._waits = False
        incoming = self._incoming
        if self._share.held and not incoming.backlog:
            self._share.release()
        self._stays = keep = keep and not self._state.draining
        self.server_state.total_requests += 1
        if not (incoming.in_head or incoming.in_body) and self._is_free():
            self._deadlines.idle_since = self.loop.time()
            if incoming.came > SMALL:
                incoming.forget()
        fast_path, own = self._fast_path, self.server_state.default_headers
        return b"" if fast_path is None else fast_path.whole(own, answer, b"" if keep else CLOSE)

    def send(self, data: bytes) -> None:
        """See group_commit.Client; the client may have gone."""
        transport, closing = self.transport, self._closing
        if closing.has_parted or transport.is_closing():
            return
        transport.write(data)
        if not self._stays:
            self._part()
        elif closing.has_ended and not self._incoming.is_under_way():
            transport.close()

    def _answer_first(self) -> None:
        """Answer waiting requests of this connection first, so that later data cannot
        overtake them.
        """
        if self._waits and self._fast_path is not None:
            self._fast_path.finish()

    # Answers of ASGI.

    def _run(self, body: bytes) -> None:
        """Do what uvicorn does with a request, now that it is complete."""
        incoming = self._incoming
        if self._fast_path is not None and not self._may_be_shed():
            self._fast_path.go_first()
        super().on_message_begin()
        self.parser, self.url, self.headers = incoming.parser, incoming.url, incoming.headers
        self.scope["headers"] = incoming.headers
        self.scope[ARRIVED] = perf_counter()  # type: ignore[literal-required]
        self.scope[BODY] = body  # type: ignore[literal-required]
        super().on_headers_complete()
        cycle = self.cycle
        cycle.transport = self._outlet
        cycle.body = body  # type: ignore[assignment]
        cycle.keep_alive = cycle.keep_alive and incoming.keep
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._state.draining:
            cycle.keep_alive = False
        self._answering = cycle
        scope: Any = cycle.scope
        weigh = self._state.in_flight.beyond_one
        more = weigh(scope["path"], scope["query_string"], scope[BODY])
        super()._start_asgi_task(cycle, self._place.around(cycle, app, more))

    def on_response_complete(self) -> None:
        """Continue with what follows an answer, which may be a rejection."""
        self.server_state.total_requests += 1
        if self._share.held and not self._incoming.backlog:
            self._share.release()
        if not self._is_over():
            self._next()

    def _next(self) -> None:
        if self.pipeline and not self.flow.write_paused:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._incoming.expects and self._is_next():
            self._invite_body()
        self._go_on()
        self._rest()
        self._say_rejection()

    def _is_next(self) -> bool:
        """Whether the request whose body is arriving is the next to be answered."""
        return self._incoming.in_body and not (self._is_shed or self._is_blocked())

    def _rest(self) -> None:
        """Become idle if nothing is to be answered, or close if nothing will be."""
        if self._refusals.owed or self._waits or self._rejection or self._is_asked():
            return
        incoming = self._incoming
        if self._closing.has_ended:
            self.transport.close()
        elif not (incoming.in_head or incoming.in_body):
            self._deadlines.idle_since = self.loop.time()
            incoming.forget()
            self.headers, self._answering = [], None
            self.cycle = self.scope = None  # type: ignore[assignment]

    def _is_asked(self) -> bool:
        """Whether a request is being answered, or the client has yet to take an answer."""
        return bool(self._incoming.backlog) or self._is_queued()

    # Refusals.

    def _shed_unparsed(self, data: bytes) -> bool:
        """Shed a single request that begins here without parsing it; return whether it was shed.

        The parser would cost as much as the rest of a refusal.
        """
        known = None if self._fast_path is None else self._fast_path.heads.request(data)
        plain = known or plain_post(data)
        if plain is None or (left := plain[1] - len(data)) < 0:
            return False
        url, incoming = plain[0], self._incoming
        self._deadlines.idle_since = None
        if left:
            incoming.skip(url, left)
            self._deadlines.wait(self.loop.time())
        else:
            incoming.url = url
            self._shed(True)
        return True

    def _skip(self, data: bytes) -> bytes:
        """Drop what belongs to a shed body; return the rest."""
        rest = self._incoming.skipped(data)
        if not self._incoming.skips:
            self._shed(True)
        return rest

    def _shed(self, keep: bool) -> None:
        self._deadlines.waiting_since = None
        self._refusals.owe(self.loop, self, keep, self._incoming.url)

    def refuse(self, keep: bool, url: bytes, now: float) -> None:
        """See shedding.Refused."""
        answers = self._refusals.tell(url, now)
        self._share.release()
        if self._is_over():
            return
        if self._is_held_back:
            self._is_held_back = False
            self.flow.resume_reading()
        is_last = self._closing.has_ended and not self._refusals.owed
        keep = keep and not (self._state.draining or is_last)
        self.transport.write(answers[keep])
        if keep:
            self.server_state.total_requests += 1
            self._deadlines.idle_since = now
        else:
            self._part()

    def _reject_body(self) -> None:
        incoming = self._incoming
        self.reject(self._refusal() or too_large(incoming.most_body, incoming.url))

    def reject(self, problem: Problem) -> None:
        """Read no more, and send the refusal after all earlier answers."""
        self._answer_first()
        incoming = self._incoming
        self._deadlines.stop()
        if incoming.is_deaf or self.transport.is_closing():
            return
        incoming.stop()
        self._body.drop()
        self._share.release()
        self._rejection = rejection(problem, incoming.url, self._counters)
        self._say_rejection()

    def _say_rejection(self) -> None:
        if self._rejection and not (self._is_over() or self._is_queued()):
            answer, self._rejection = self._rejection, b""
            self.transport.write(answer)
            self._part()

    def give_up(self) -> None:
        """See arrivals.Arriving."""
        self._counters.row[SHEDS] += 1
        if self._deadlines.stalled_since is None:
            self.reject(CROWDED)
        else:
            self._incoming.stop()
            self._share.release()
            self.transport.abort()

    # Slow clients.

    def pause_writing(self) -> None:
        """Start the clock: the client does not take its answer."""
        super().pause_writing()
        self._deadlines.stalled_since = self.loop.time()
        self._place.stall()
        self._share.stall()

    def resume_writing(self) -> None:
        """Stop the clock, and continue with what arrived meanwhile."""
        super().resume_writing()
        self._deadlines.stalled_since = None
        self._share.go_on()
        self._place.go_on()
        if not (self._is_over() or self._is_answering()):
            self._next()

    def tick(self, now: float) -> float:
        """Do what is due; return the earliest time when something may be due again (loop time).

        Only what begins after `now` may be due sooner: the shortest of the limits after that.
        """
        slow, idle = self._deadlines.slow(self._incoming.in_body), self._deadlines.idle()
        if now > slow:
            self.time_out()
        elif now > idle:
            self.timeout_keep_alive_handler()
        else:
            return min(slow, idle)
        return inf

    def time_out(self) -> None:
        """Close a slow connection, with 408 if a request had begun."""
        self._counters.add("timeouts")
        if self.loop.time() > self._deadlines.stalled():
            self.transport.abort()  # a close would wait for the client to take its answer
        elif self._incoming.is_under_way():
            self.reject(Problem(408, "the request did not arrive in time"))
        else:
            self.transport.close()

    # Closing.

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that sends no more but still waits for an answer."""
        self._answer_first()
        self._closing.has_ended = True
        waits = self._refusals.owed > 0 or self._rejection != b"" or self._is_asked()
        return waits and self.scheme == "http"

    def drain(self) -> None:
        """Close after the current answer; the shared state tells later requests."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def _part(self) -> None:
        """Close after an answer."""
        self._incoming.is_deaf = True
        self._deadlines.stop()
        self._closing.part(self.loop, self.transport, self.flow)
