"""What has come of requests that did not come at once, of all connections of a worker together.

A request that is read at once costs nothing here. Of the others the sum is bounded: above it, the
one that has been on its way longest is given up, but first those whose clients take no answer. So
those who send slowly lose their place to those who do not, however many they are.
"""

from typing import Protocol

import msgspec

from ..settings import Settings


class Arriving(Protocol):
    """A connection whose request is on its way."""

    def give_up(self) -> None:
        """Refuse the request, and hold nothing of it any more."""


class Arrivals:
    """The bytes that are held, at most `most` of them; a request's until it is answered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._unfinished: dict[Arriving, None] = {}
        self._stalled: dict[Arriving, None] = {}
        self.held = 0

    def hold(self, arriving: Arriving, count: int) -> None:
        """Count what has come of a request that is still not whole."""
        self.held += count
        self._unfinished.setdefault(arriving)
        while self.held > self._most and (first := self._stalled or self._unfinished):
            oldest = next(iter(first))
            del first[oldest]
            oldest.give_up()

    def whole(self, arriving: Arriving) -> None:
        """Know that a request is whole: it is answered and no longer given up."""
        self._unfinished.pop(arriving, None)

    def stalled(self, arriving: Arriving) -> None:
        """Know that a client does not take its answer: its request is given up first."""
        self._stalled.setdefault(arriving)

    def goes_on(self, arriving: Arriving) -> None:
        """Know that a client takes its answer again."""
        self._stalled.pop(arriving, None)

    def release(self, arriving: Arriving, count: int) -> None:
        """Forget what was held of a request."""
        self.held -= count
        self._unfinished.pop(arriving, None)
        self._stalled.pop(arriving, None)


class Share(msgspec.Struct):
    """What one connection holds of them: `held` bytes, of what did not come at once."""

    _arrivals: Arrivals
    _arriving: Arriving
    held: int = 0

    def hold(self, count: int) -> None:
        """Hold so much more; this or another request may be given up for it."""
        self.held += count
        self._arrivals.hold(self._arriving, count)

    def whole(self) -> None:
        """Keep what is held until the answer is out."""
        if self.held:
            self._arrivals.whole(self._arriving)

    def stall(self) -> None:
        """Be the first to be given up."""
        if self.held:
            self._arrivals.stalled(self._arriving)

    def go_on(self) -> None:
        """Be given up in turn again."""
        self._arrivals.goes_on(self._arriving)

    def release(self) -> None:
        """Hold nothing any more."""
        if self.held:
            self._arrivals.release(self._arriving, self.held)
            self.held = 0

    def close(self) -> None:
        """Hold nothing any more, nor the connection."""
        self.release()
        self._arriving = None  # type: ignore[assignment]


def arrivals(settings: Settings) -> Arrivals:
    """Return a worker's: a single body of the largest size always has room."""
    return Arrivals(max(settings.max_arriving, 2 * settings.max_body))
