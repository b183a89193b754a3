"""What a row's values may be: finite, exact in float64, and inside the range seen in training."""

from collections.abc import Sequence

import numpy as np

from .applicant import EXACT, NAN, Floats
from .manifest import Category, Feature


class Range:
    """The seen range of every feature; categories and unknown ranges are open up to 2**53.

    `contains` is one comparison of bytes for the usual row: two numpy calls and no Python loop.
    It is also false for 2**53 and above, seen or not; see `may_hold_rounded`.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = [feature.name for feature in features]
        self._seen = np.array([seen(feature) for feature in features]).T
        self._low, self._high = np.array([exact_part(*seen(feature)) for feature in features]).T
        self._clipped = np.empty(len(features))

    def contains(self, row: Floats, as_bytes: bytes) -> bool:
        """Whether no value of `row` (whose bytes are `as_bytes`) lies outside; NaN is inside."""
        np.maximum(row, self._low, out=self._clipped)
        np.minimum(self._clipped, self._high, out=self._clipped)
        return self._clipped.tobytes() == as_bytes

    def warnings(self, row: Floats) -> tuple[str, ...]:
        """Return `range:NAME` of every value outside the range seen in training."""
        low, high = self._seen
        beyond = (row < low) | (row > high)
        return tuple(f"range:{self._names[i]}" for i in np.flatnonzero(beyond))


def may_hold_rounded(row: Floats) -> bool:
    """Whether a closer look has to tell an integer that float64 holds from one it has rounded."""
    return bool((np.abs(row) > EXACT).any())


def seen(feature: Feature) -> tuple[float, float]:
    """Return the range seen in training; where none is known, what float64 counts exactly."""
    if isinstance(feature, Category) or feature.seen is None:
        return -EXACT, EXACT
    return feature.seen.min, feature.seen.max


def exact_part(low: float, high: float) -> tuple[float, float]:
    """Return the part of a range that float64 counts exactly; NaN, which holds no number, if none.

    One NaN is enough to keep every number out, and a row's own NaN in.
    """
    if low > EXACT or high < -EXACT:
        return NAN, NAN
    return max(low, -EXACT), min(high, EXACT)
