"""Bound the memory of requests that arrive in pieces, over all connections of a worker.

A request read at once costs nothing here. If the others exceed the bound, the one that has been
arriving longest is given up, but first those whose clients do not take their answers. So slow
senders lose their place to fast ones, however many there are.
"""

from typing import Protocol

import msgspec

from ..settings import Settings


class Arriving(Protocol):
    """A connection whose request is arriving."""

    def give_up(self) -> None:
        """Refuse the request and free its memory."""


class Arrivals:
    """The bytes held, at most `most`; a request's bytes count until it is answered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._unfinished: dict[Arriving, None] = {}
        self._stalled: dict[Arriving, None] = {}
        self.held = 0

    def hold(self, arriving: Arriving, count: int) -> None:
        """Count bytes of an unfinished request."""
        self.held += count
        self._unfinished.setdefault(arriving)
        while self.held > self._most and (first := self._stalled or self._unfinished):
            oldest = next(iter(first))
            del first[oldest]
            oldest.give_up()

    def whole(self, arriving: Arriving) -> None:
        """Record that a request is complete: it will be answered and is no longer given up."""
        self._unfinished.pop(arriving, None)

    def stalled(self, arriving: Arriving) -> None:
        """Record that a client does not take its answer: its request is given up first."""
        self._stalled.setdefault(arriving)

    def goes_on(self, arriving: Arriving) -> None:
        """Record that a client takes its answer again."""
        self._stalled.pop(arriving, None)

    def release(self, arriving: Arriving, count: int) -> None:
        """Release what was held for a request."""
        self.held -= count
        self._unfinished.pop(arriving, None)
        self._stalled.pop(arriving, None)


class Share(msgspec.Struct):
    """One connection's part: `held` bytes of what did not come at once."""

    _arrivals: Arrivals
    _arriving: Arriving
    held: int = 0

    def hold(self, count: int) -> None:
        """Hold more bytes; this or another request may be given up for them."""
        self.held += count
        self._arrivals.hold(self._arriving, count)

    def whole(self) -> None:
        """Keep the held bytes until the answer is sent."""
        if self.held:
            self._arrivals.whole(self._arriving)

    def stall(self) -> None:
        """Become the first to be given up."""
        if self.held:
            self._arrivals.stalled(self._arriving)

    def go_on(self) -> None:
        """Be given up in the usual order again."""
        self._arrivals.goes_on(self._arriving)

    def release(self) -> None:
        """Hold nothing any more."""
        if self.held:
            self._arrivals.release(self._arriving, self.held)
            self.held = 0

    def close(self) -> None:
        """Hold nothing any more, and forget the connection."""
        self.release()
        self._arriving = None  # type: ignore[assignment]


def arrivals(settings: Settings) -> Arrivals:
    """Return a worker's arrivals; one body of the largest size always has room."""
    return Arrivals(max(settings.max_arriving, 2 * settings.max_body))
