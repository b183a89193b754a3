"""What is refused for want of room, told on the connection in the order it was asked.

A refusal is one read and one write: what says of itself where it ends is not even parsed.
"""

import asyncio
from functools import lru_cache
from math import inf

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from ..metrics.counters import AT, Counters
from .bare import SHED, is_oip
from .reading import Reading
from .shared import Limits, State
from .shedding import PLAIN_POST, SOON_SECONDS

LINGER_SECONDS = 2.0
SHEDS = AT["plain", "shed"]


class Refusing(Reading):
    """The part of a connection that sheds and that closes."""

    __slots__ = (
        "_answering", "_has_ended", "_idle_since", "_is_held_back", "_lingers", "_parted",
        "_refused_at", "_sheds", "_to_drop", "_waits", "counters", "limits", "state",
        "waiting_since",
    )  # fmt: skip

    def _prepare(self, limits: Limits, counters: Counters, state: State) -> None:
        self.limits = limits
        self.counters = counters
        self.state = state
        self.waiting_since: float | None = None
        self._idle_since: float | None = None
        self._sheds = self._to_drop = 0
        self._refused_at = -inf
        self._waits = False  # for its turn, in the fast lane
        self._is_held_back = self._has_ended = self._parted = False
        self._lingers: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None

    def _is_full(self) -> bool:
        return len(self.state.answering) >= self.limits.max_in_flight

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

    def _is_asked(self) -> bool:
        """Whether anything is answered, or waits for the client to take what was."""
        return bool(self.pipeline or self._backlog) or self._is_answering()

    def _is_free(self) -> bool:
        """Whether nothing on this connection is still to be answered."""
        cycle = self.cycle
        return not (self._sheds or self._waits) and (cycle is None or cycle.response_complete)

    def _shed_unparsed(self, data: bytes) -> bool:
        """Shed a request that begins here and is not followed by another; returns whether it was.

        The parser would cost as much as all the rest of a refusal.
        """
        if self._in_head or self._in_body or self.flow.write_paused or not self._is_free():
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
        is_last = self._has_ended and not self._sheds
        keep = keep and not (self.state.draining or is_last)
        transport.write(answers[keep])
        if keep:
            self.server_state.total_requests += 1
            self._idle_since = now
        else:
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

    def _release(self) -> None:
        """Hold nothing any more."""
        raise NotImplementedError


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
