"""What has come of requests that did not come at once, of all connections of a worker together.

A request that is read at once costs nothing here. Of the others the sum is bounded: above it, the
one that has been on its way longest is given up, but first those whose clients take no answer. So
those who send slowly lose their place to those who do not, however many they are.
"""

from typing import Protocol

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


def arrivals(settings: Settings) -> Arrivals:
    """Return a worker's: a single body of the largest size always has room."""
    return Arrivals(max(settings.max_arriving, 2 * settings.max_body))
