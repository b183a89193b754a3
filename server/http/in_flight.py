"""Requests that a worker has begun and not answered; above the limit, load is shed.

A client that does not take its answer does not count.
"""

from collections import deque
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class InFlight(msgspec.Struct):
    """All of a worker, at most `most`: `waiting` for the group commit, or `running` in ASGI."""

    most: int
    running: set[RequestResponseCycle] = set()
    waiting: deque[Any] = msgspec.field(default_factory=deque)

    def is_full(self) -> bool:
        """Whether there is no more room."""
        return len(self.running) + len(self.waiting) >= self.most


class Place(msgspec.Struct):
    """One connection's place among the running; ASGI answers one of its requests at a time."""

    _in_flight: InFlight
    _cycle: RequestResponseCycle | None = None  # whether it is running; it may be stalled
    _is_stalled: bool = False

    def stall(self) -> None:
        """Give up the place until `go_on`, because the client does not take its answer."""
        self._is_stalled = True
        if self._cycle is not None:
            self._in_flight.running.discard(self._cycle)

    def go_on(self) -> None:
        """Take the place again."""
        self._is_stalled = False
        if self._cycle is not None:
            self._in_flight.running.add(self._cycle)

    def around(self, cycle: RequestResponseCycle, app: Any) -> Any:
        """Return an application that holds the place while it runs."""
        self._cycle = cycle
        running = self._in_flight.running
        if not self._is_stalled:
            running.add(cycle)

        async def run(*arguments: Any) -> None:
            try:
                await app(*arguments)
            finally:
                running.discard(cycle)
                if self._cycle is cycle:
                    self._cycle = None

        return run
