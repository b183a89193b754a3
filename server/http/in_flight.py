"""Requests that a worker has begun and not answered; above the limit, load is shed.

A request counts as what it costs, see cost.py, but at most a sixty-fourth part of the queue: so
there is always room for that many, however much each asks for. A client that does not take its
answer does not count.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

PARTS = 64
Weigh = Callable[[str, bytes, bytes], int]  # path, query, body -> cost


class InFlight(msgspec.Struct):
    """All of a worker, at most `most`: `waiting` for the group commit, or `running` in ASGI.

    `more`: what they cost beyond one each; `weigh` tells the cost of a request.
    """

    most: int
    running: set[RequestResponseCycle] = set()
    waiting: deque[Any] = msgspec.field(default_factory=deque)
    more: int = 0
    weigh: Weigh = lambda path, query, body: 1

    def is_full(self) -> bool:
        """Whether there is no more room."""
        return len(self.running) + len(self.waiting) + self.more >= self.most

    def beyond_one(self, path: str, query: bytes, body: bytes) -> int:
        """Return what a request costs beyond one, to be added to `more` while it is here."""
        return self.capped(self.weigh(path, query, body))

    def capped(self, cost: int) -> int:
        """Return what a cost is beyond one, at most the part of the queue that one may take."""
        return min(cost, max(self.most // PARTS, 1)) - 1


class Place(msgspec.Struct):
    """One connection's place among the running; ASGI answers one of its requests at a time."""

    _in_flight: InFlight
    _cycle: RequestResponseCycle | None = None  # whether it is running; it may be stalled
    _is_stalled: bool = False
    _more: int = 0

    def stall(self) -> None:
        """Give up the place until `go_on`, because the client does not take its answer."""
        self._is_stalled = True
        if self._cycle is not None:
            self._give_up(self._cycle)

    def go_on(self) -> None:
        """Take the place again."""
        self._is_stalled = False
        if self._cycle is not None:
            self._take(self._cycle)

    def around(self, cycle: RequestResponseCycle, app: Any, more: int = 0) -> Any:
        """Return an application that holds the place while it runs, and `more` of the queue."""
        self._cycle, self._more = cycle, more
        if not self._is_stalled:
            self._take(cycle)

        async def run(*arguments: Any) -> None:
            try:
                await app(*arguments)
            finally:
                self._give_up(cycle)
                if self._cycle is cycle:
                    self._cycle = None

        return run

    def _take(self, cycle: RequestResponseCycle) -> None:
        if cycle not in self._in_flight.running:
            self._in_flight.running.add(cycle)
            self._in_flight.more += self._more

    def _give_up(self, cycle: RequestResponseCycle) -> None:
        if cycle in self._in_flight.running:
            self._in_flight.running.remove(cycle)
            self._in_flight.more -= self._more
