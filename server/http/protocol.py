"""uvicorn's protocol, with limits: a request reaches the application only when it is whole.

So a slow client costs a socket and no task; bodies are bounded while they arrive; and the number of
whole requests that wait is known before the next one is taken, which is where load is shed.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
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
from .bare import CHANGED, CLOSE, CONTINUE, CROWDED, SHED, bare_answer, is_oip
from .problem import Problem
from .reading import Reading
from .rules import MOST_BYTES, TOO_LONG
from .shared import Limits, State
from .shedding import PLAIN_POST, SOON_SECONDS

ARRIVED = "credit.arrived"
BODY = "credit.body"
LENGTH = b"content-length"
LINGER_SECONDS = 2.0
CONNECTIONS, SHEDS = AT["plain", "connections"], AT["plain", "shed"]


class Outlet(msgspec.Struct, frozen=True):
    """What uvicorn's cycle may do with the transport."""

    write: Callable[[bytes], None]
    is_closing: Callable[[], bool]
    close: Callable[[], None]


class WholeRequests(Reading):
    """One connection."""

    # In few places of memory: a refused connection is rarely in the processor's caches.
    __slots__ = (
        "_answering", "_drops", "_ended", "_has_ended", "_held", "_holds", "_idle_since",
        "_is_held_back", "_lingers", "_outlet", "_parted", "_refused_at", "_rejection",
        "_shedding", "_sheds", "_stalled_since", "_to_drop", "_waits", "counters", "limits",
        "state", "waiting_since",
    )  # fmt: skip

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
        self.limits = limits
        self.counters = counters
        self.state = state
        self.waiting_since: float | None = None
        self._stalled_since: float | None = None
        self._begin()
        self._ended = self._shedding = self._is_held_back = self._parted = False
        self._lingers: asyncio.TimerHandle | None = None
        self._outlet: Any = None
        self._drops: bool | None = None  # the body; None until it is asked
        self._holds = 0  # bytes, of what did not come at once
        self._rejection: Problem | None = None
        self._waits = False  # for its turn, in the fast lane
        self._sheds = 0
        self._refused_at = -inf
        self._to_drop = 0
        self._has_ended = False
        self._idle_since: float | None = None
        self._held: Any = None
        self._answering: RequestResponseCycle | None = None

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
        self._ended, before = False, self._body_bytes
        self._feed(data)
        if (self._in_head or self._in_body) and not self._is_deaf:
            self._wait_for_more(len(data), self._in_body and self._body_bytes != before)

    def _wait_for_more(self, count: int, has_body: bool) -> None:
        """Hold what has come of a request that is not whole."""
        if self.waiting_since is None:
            self.waiting_since = self.loop.time()
        if self._in_body and self._drops is None:
            self._ask_for_body()
        if not self._drops:
            self._holds += count
            self.state.arrivals.hold(self, count)
        if not (has_body or self._ended):  # else most of it may be the body before
            self._bound_head(count)

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

    def _release(self) -> None:
        if self._holds:
            self.state.arrivals.release(self, self._holds)
            self._holds = 0

    def give_up(self) -> None:
        """See arrivals.Arriving."""
        self.counters.row[SHEDS] += 1
        self._reject(CROWDED)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that sends no more but still waits for an answer."""
        self._has_ended = True
        waits = self._sheds > 0 or self._rejection is not None or self._is_answering()
        return waits and self.scheme == "http"

    def pause_writing(self) -> None:
        """Start the clock: the client does not take its answer."""
        super().pause_writing()
        self._stalled_since = self.loop.time()

    def resume_writing(self) -> None:
        """Stop the clock."""
        super().resume_writing()
        self._stalled_since = None

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

    def _stalled_until(self) -> float:
        """Until when the client may leave its answer."""
        since = self._stalled_since
        return inf if since is None else since + self.limits.answer_seconds

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
        self._head_bytes = self._body_bytes = self._unbodied = 0

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
            self._collect(body)

    def _collect(self, body: bytes) -> None:
        self.cycle.body += body

    def on_message_complete(self) -> None:
        """Let the request in."""
        if self._offers or self._is_deaf:
            return
        if self._head_bytes > MOST_BYTES:
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
            self._held, cycle.response_complete = None, True
            self._begin_shed(self._keep)
            return
        self.scope[ARRIVED] = perf_counter()  # type: ignore[literal-required]
        self.scope[BODY] = body = bytes(cycle.body)  # type: ignore[literal-required]
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
        super()._start_asgi_task(cycle, app)

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

    def _is_full(self) -> bool:
        return len(self.tasks) >= self.limits.max_in_flight

    def _is_too_much(self) -> bool:
        """Whether to shed: also what was sent behind a request that is shed, to keep the order."""
        if self._sheds:
            return True
        return self._is_full() and self._is_free() and self._is_post()

    def _is_post(self) -> bool:
        """Whether it may be shed: what asks for health or metrics is always answered."""
        method: bytes = self.parser.get_method()
        return method == b"POST"

    def _is_answering(self) -> bool:
        return self._answering is not None and not self._answering.response_complete

    def _is_free(self) -> bool:
        """Whether nothing on this connection is still to be answered."""
        cycle = self.cycle
        return not (self._sheds or self._waits) and (cycle is None or cycle.response_complete)

    def _shed_unparsed(self, data: bytes) -> bool:
        """Shed a request that begins here and is not followed by another; returns whether it was.

        The parser would cost as much as all the rest of a refusal.
        """
        if self._in_head or self._in_body or not self._is_free():
            return False
        plain = self._plain_post(data)
        if plain is None or (left := plain[1] - len(data)) < 0:
            return False
        self._idle_since, self.url = None, plain[0]
        if left:
            self._to_drop, self._in_body = left, True
            self.waiting_since = self.waiting_since or self.loop.time()
        else:
            self._begin_shed(True)
        return True

    def _plain_post(self, data: bytes) -> tuple[bytes, int] | None:
        """Return path and length of a POST that begins here and whose head says where it ends."""
        head = PLAIN_POST.match(data)
        return None if head is None else (head[1], head.end() + int(head[2]))

    def _drop(self, data: bytes) -> bytes:
        """Drop what belongs to a body that is shed; returns what does not."""
        rest = data[self._to_drop :]
        self._to_drop -= len(data) - len(rest)
        if not self._to_drop:
            self._in_body = False
            self._begin_shed(True)
        return rest

    def _begin_shed(self, keep: bool) -> None:
        self.waiting_since = None
        self._sheds += 1
        now = self.loop.time()
        if now - self._refused_at < SOON_SECONDS:
            self.state.shedding.add(self.loop, now, self, keep, self.url)
        else:
            self.refuse(keep, self.url, now)

    def refuse(self, keep: bool, url: bytes, now: float) -> None:
        """See shedding.Refused."""
        at, answers = refusal(url)
        row, transport = self.counters.row, self.transport
        self._sheds -= 1
        self._refused_at = now
        row[SHEDS] += 1
        row[at] += 1
        self._release()
        if self._parted or transport.is_closing():
            return
        if self._is_held_back:
            self._is_held_back = False
            self.flow.resume_reading()
        keep = keep and not (self.state.draining or self._has_ended)
        transport.write(answers[keep])
        if keep:
            self.server_state.total_requests += 1
            self._idle_since = now
        else:
            self.part()

    def _reject(self, problem: Problem) -> None:
        self.waiting_since = None
        if self._is_deaf or self.transport.is_closing():
            return
        self._is_deaf = True
        self._forget_body()
        self._release()
        self._in_head = self._in_body = False
        self._count(problem.status, self.url or b"")
        self._rejection = problem
        self._say_rejection()

    def on_response_complete(self) -> None:
        """Go on to what comes after an answer, and be it a rejection."""
        self.server_state.total_requests += 1
        self._release()
        if self._parted or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline and not (self._has_ended and self.pipeline[-1][0].more_body):
            self._start_asgi_task(*self.pipeline.pop())
        elif self._has_ended and self._rejection is None:
            self.transport.close()
        elif not (self._in_head or self._in_body):
            self._idle_since = self.loop.time()
        self._say_rejection()

    def _say_rejection(self) -> None:
        problem = self._rejection
        if problem is None or self._parted or self.transport.is_closing():
            return
        if self.pipeline or self._is_answering():
            return
        self._rejection = None
        self.transport.write(bare_answer(problem, CLOSE, is_oip(self.url)))
        self.part()

    def part(self) -> None:
        """Close behind an answer, but not at once: a client still sending would see a reset."""
        self._is_deaf, self._idle_since, self.waiting_since = True, None, None
        transport = self.transport
        if self._has_ended or not transport.can_write_eof():
            transport.close()
        elif not (self._parted or transport.is_closing()):
            self.flow.resume_reading()
            transport.write_eof()
            self._lingers = self.loop.call_later(LINGER_SECONDS, transport.close)
        self._parted = True

    def _count(self, status: int, url: bytes) -> None:
        """Count what never reaches an endpoint under the endpoint it was meant for."""
        self.counters.request(endpoint_of(url), status)


def endpoint_of(url: bytes) -> str:
    """Return which endpoint's counters a path belongs to."""
    url = url.partition(b"?")[0]
    if url.endswith(b"/score"):
        return "score"
    return "infer" if url.endswith(b"/infer") else "other"


@lru_cache(maxsize=64)
def refusal(url: bytes) -> tuple[int, dict[bool, bytes]]:
    """Return where a shed request is counted, and its answer, by whether the connection stays."""
    answers = {keep: SHED[keep, is_oip(url)] for keep in (True, False)}
    return AT["requests", endpoint_of(url), 503], answers
