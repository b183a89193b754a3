"""Group commit: the scores of one turn of the event loop are recorded with one write.

Requests that became readable together are answered together: all are read, then all are scored,
then one write records them, then all answers are sent. So they share the cost of the record, and
neither the next read nor a woken client empties the caches between two scores.

After PATIENCE, and the block under way, the scored ones are written and sent, and what became
readable meanwhile is read before the rest is scored. So a long queue delays neither
health checks nor refusals. The queue's length is the number of waiting requests; none of them needs
a task.

libuv accepts one connection a turn. So a group waits another turn for each new connection while the
queue has room: a burst of connections costs as many turns, but not as many groups. The workers
share MOST_TURNS, so that none takes a whole burst. A request that needs no score (a health check)
is answered before the group as well, if that has not just given way to others.
"""

import asyncio
from time import perf_counter
from typing import Any, Protocol

from .endpoint import Exchange, Ledger
from .in_flight import InFlight
from .message import Answer

PATIENCE = 0.001  # seconds
MOST_TURNS = 64  # a count, since a turn takes longer on a busy machine
# Requests of a block, and their bytes: without reasons a share of PATIENCE.
TOGETHER, MOST_BYTES = 64, 64 * 1024
FEWEST = 4  # below, each alone costs less


class Client(Protocol):
    """Where an answer is sent."""

    def finish(self, answer: Answer, keep: bool) -> bytes:
        """Return the answer's bytes; `keep`: the connection stays open."""

    def send(self, data: bytes) -> None:
        """Send the bytes, and close the connection unless it stays open."""


class Asked(Exchange, gc=False):
    """A complete request that waits for its group, not yet answered.

    `keep`: its connection stays open. `terms`: see endpoint.Handler, None if it is answered alone.
    `more`: see InFlight.
    """

    client: Client
    keep: bool
    terms: Any = None
    more: int = 0


class GroupCommit:
    """The requests waiting to be answered, of all connections of one of `workers`."""

    def __init__(self, in_flight: InFlight, ledger: Ledger, workers: int = 1) -> None:
        self._in_flight, self._waiting = in_flight, in_flight.waiting
        self._ledger = ledger
        self._most_turns = max(1, MOST_TURNS // workers)
        self._turns = 0  # that the next group has waited
        self._waits = self._has_given_way = False

    def connected(self) -> None:
        """Let the next group wait a turn for the request of a new connection."""
        self._waits = self._waits or not self._in_flight.is_full()

    def go_first(self) -> None:
        """Let the next group wait a turn for what needs no score, but not again and again."""
        self._waits = self._waits or not self._has_given_way
        self._has_given_way = True

    def add(self, loop: asyncio.AbstractEventLoop, asked: Asked) -> None:
        """Answer a request after everything readable now has been read."""
        if not self._waiting:
            loop.call_soon(self._end, loop)
        request = asked.request
        if (cost := asked.handler.weigh(request.query, request.body)) > 1:
            asked.more = self._in_flight.capped(cost)
            self._in_flight.more += asked.more
        self._waiting.append(asked)

    def finish(self) -> None:
        """Answer all waiting requests, in order of arrival."""
        while self._waiting:
            self._answer()

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waits and self._turns < self._most_turns:
            self._waits = False
            self._turns += 1
            loop.call_soon(self._end, loop)
            return
        self._waits = self._has_given_way = False
        self._turns = 0
        try:
            self._answer()
        finally:  # or the waiting requests would never be answered
            if self._waiting:
                loop.call_soon(self._end, loop)

    def _answer(self) -> None:
        group: list[tuple[float, list[Asked]]] = []
        while self._waiting:
            began = perf_counter()
            if group and began - group[0][0] > PATIENCE:
                break
            group.append((began, self._answer_some()))
        if group:
            self._send(group)

    def _answer_some(self) -> list[Asked]:
        """Answer the next request, and those behind it with the same terms."""
        some = self._next()
        for asked in some:
            self._in_flight.more -= asked.more
        if len(some) < FEWEST:
            for asked in some:
                asked.answer = asked.handler.answer(asked.request)
            return some
        answers = some[0].handler.answer_all([asked.request for asked in some], some[0].terms)
        for asked, answer in zip(some, answers, strict=True):
            asked.answer = answer
        return some

    def _next(self) -> list[Asked]:
        waiting, first = self._waiting, self._waiting.popleft()
        some, terms, left = [first], first.terms, MOST_BYTES - len(first.request.body)
        if terms is None:
            return some
        while waiting and waiting[0].terms is terms and len(some) < TOGETHER:
            left -= len(waiting[0].request.body)
            if left < 0:
                break
            some.append(waiting.popleft())
        return some

    def _send(self, group: list[tuple[float, list[Asked]]]) -> None:
        everyone = [asked for _, some in group for asked in some]
        self._ledger.commit(everyone)
        ready = [(each.client, each.client.finish(each.answer, each.keep)) for each in everyone]
        for client, data in ready:  # nothing in between: a sleeping client is woken only once
            client.send(data)
        for began, some in group:
            some[0].handler.close(some, began)
        if self._ledger.later is not None:
            asyncio.get_running_loop().call_soon(self._ledger.later)
