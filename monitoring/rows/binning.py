"""Quantile bins of a column of reference values, as in `profile.json` (docs/bundle.md).

convert/ reads it through a link: folders share files and no imports.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 10


def edges_of(values: Floats) -> Floats:
    """Return ascending bin edges for `values` [n], which hold no NaN.

    Up to ten distinct values get a bin each. Otherwise the edges are the deciles, and every value
    that a tenth of the rows hold gets a bin of its own: many zeros must not hide in a wider bin.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= BINS:
        return distinct[1:]
    heavy = np.nonzero(counts * BINS >= len(values))[0]
    after = heavy[heavy + 1 < len(distinct)] + 1
    chosen = np.union1d(_deciles(counts), np.union1d(heavy, after))
    return distinct[chosen[chosen > 0]]


def _deciles(counts: Ints) -> Ints:
    """Return the positions of the smallest values with at least k tenths of the rows at or
    below.
    """
    at_or_below = np.cumsum(counts)
    found: Ints = np.searchsorted(at_or_below * BINS, at_or_below[-1] * np.arange(1, BINS))
    return found


def sentinels_of(values: Floats) -> dict[float, int]:
    """Return {value: rows} of extreme values that stand for something else, such as -999.

    The smallest or the largest value is one if at least two rows hold it and the gap to its
    neighbour is wider than the range of all other values.
    """
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    found: dict[float, int] = {}
    for end, neighbour in ((0, 1), (-1, -2)):
        if len(distinct) < 3 or counts[end] < 2:
            continue
        rest = distinct[1:] if end == 0 else distinct[:-1]
        if abs(distinct[end] - distinct[neighbour]) > rest[-1] - rest[0]:
            found[float(distinct[end])] = int(counts[end])
    return found
