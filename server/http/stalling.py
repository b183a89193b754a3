"""A client that does not take its answer: it holds no place in the queue, and begins nothing more.

What it sends meanwhile is left unread. Its connection is cut after a time, or sooner where the room
for requests on their way is short.
"""

from math import inf
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from .refusing import SHEDS, Refusing


class Stalling(Refusing):
    """The part of a connection that writes to a client that may not read."""

    __slots__ = ("_holds", "_placed", "_stalled_since")

    def _begin_writing(self) -> None:
        self._holds = 0  # bytes, of what did not come at once
        self._placed: RequestResponseCycle | None = None  # what runs; it may be stalled
        self._stalled_since: float | None = None

    def pause_writing(self) -> None:
        """Start the clock: the client does not take its answer."""
        super().pause_writing()
        self._stalled_since = self.loop.time()
        self.state.answering.discard(self._placed)
        if self._holds:
            self.state.arrivals.stalled(self)

    def resume_writing(self) -> None:
        """Stop the clock, and go on with what came meanwhile."""
        super().resume_writing()
        self._stalled_since = None
        self.state.arrivals.goes_on(self)
        if self._placed is not None:
            self.state.answering.add(self._placed)
        if not (self._parted or self.transport.is_closing() or self._is_answering()):
            self._next()

    def give_up(self) -> None:
        """See arrivals.Arriving."""
        self.counters.row[SHEDS] += 1
        if self._stalled_since is None:
            self._give_up_request()
        else:
            self._is_deaf, self._backlog = True, b""
            self._release()
            self.transport.abort()

    def _stalled_until(self) -> float:
        """Until when the client may leave its answer."""
        since = self._stalled_since
        return inf if since is None else since + self.limits.answer_seconds

    def _placed_in_queue(self, cycle: RequestResponseCycle, app: Any) -> Any:
        """Return the application that holds a place in the queue while it runs."""
        self._placed = cycle
        answering = self.state.answering
        if not self.flow.write_paused:
            answering.add(cycle)

        async def run(*arguments: Any) -> None:
            try:
                await app(*arguments)
            finally:
                answering.discard(cycle)
                if self._placed is cycle:
                    self._placed = None

        return run

    def _next(self) -> None:
        """Go on to what waits on this connection."""
        raise NotImplementedError

    def _give_up_request(self) -> None:
        """Refuse the request that is on its way."""
        raise NotImplementedError
