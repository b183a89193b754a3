"""Check a row's values: finite, exact in float64, and inside the range seen in training."""

from collections.abc import Sequence

import numpy as np

from .applicant import EXACT, NAN, Floats
from .manifest import Category, Feature


class Range:
    """The seen range of every feature; categories and unknown ranges extend to 2**53.

    `contains` costs one comparison of bytes for the usual row: two numpy calls and no Python loop.
    It is also false for 2**53 and above, even if seen; see `may_hold_rounded`.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = [feature.name for feature in features]
        self._seen = np.array([seen(feature) for feature in features]).T
        self._low, self._high = np.array([exact_part(*seen(feature)) for feature in features]).T
        self._clipped = np.empty(len(features))

    def contains(self, row: Floats, as_bytes: bytes) -> bool:
        """Whether all values of `row` (whose bytes are `as_bytes`) are inside; NaN counts
        as inside.
        """
        np.maximum(row, self._low, out=self._clipped)
        np.minimum(self._clipped, self._high, out=self._clipped)
        return self._clipped.tobytes() == as_bytes

    def warnings(self, row: Floats) -> tuple[str, ...]:
        """Return `range:NAME` for every value outside the range seen in training."""
        low, high = self._seen
        beyond = (row < low) | (row > high)
        return tuple(f"range:{self._names[i]}" for i in np.flatnonzero(beyond))


def may_hold_rounded(row: Floats) -> bool:
    """Whether the row may hold an integer that float64 rounded, which needs a closer look."""
    return bool((np.abs(row) > EXACT).any())


def seen(feature: Feature) -> tuple[float, float]:
    """Return the range seen in training; if unknown, the integers that float64 holds exactly."""
    if isinstance(feature, Category) or feature.seen is None:
        return -EXACT, EXACT
    return feature.seen.min, feature.seen.max


def exact_part(low: float, high: float) -> tuple[float, float]:
    """Return the part of a range that float64 holds exactly; NaN if there is none.

    A NaN bound excludes every number, but not a NaN in the row.
    """
    if low > EXACT or high < -EXACT:
        return NAN, NAN
    return max(low, -EXACT), min(high, EXACT)
