"""A feature's column: its name, its bins and its importance."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .cells import Value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NUMBER = "number"
CATEGORY = "category"
UNSEEN = -1.0
"""The code of a category value that is not in the reference; missing is NaN."""


@dataclass(frozen=True)
class Column:
    """One feature.

    `edges` [K-1] for a number, `labels` [K] for a category; K bins in both cases.
    """

    name: str
    kind: str
    edges: Floats
    labels: tuple[str, ...] = ()
    low: float = -np.inf
    high: float = np.inf
    sentinels: tuple[float, ...] = ()
    importance: float = 0.0
    used: bool = True
    categories: tuple[Value, ...] = ()
    """A category's values; `labels` are the same as text."""
    ordered: bool = False
    """Whether a category's values are ordered, as its labels are."""
    infinite: bool = False
    """Whether a number may be infinite: in a file it may, in a model's rows it may not."""

    @property
    def size(self) -> int:
        """The length of its counts: the bins, one for unseen values (category), one for missing."""
        return len(self.edges) + 2 if self.kind == NUMBER else len(self.labels) + 2


@dataclass
class Counts:
    """How many rows fell into each bin.

    `bins` [size], missing last; counts of blocks can be added.
    """

    bins: Ints
    outside: int = 0
    strange: Counter[float] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """All rows, including missing values."""
        return int(self.bins.sum())

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return int(self.bins[-1])

    def add(self, other: "Counts") -> None:
        """Add the counts of other rows."""
        self.bins += other.bins
        self.outside += other.outside
        self.strange = Counter(dict((self.strange + other.strange).most_common(STRANGE_KEPT)))


STRANGE_KEPT = 100
"""How many distinct out-of-range values are kept: the most frequent ones."""


def count(column: Column, values: Floats) -> Counts:
    """Count a block of values [n] into the column's bins."""
    if column.kind == CATEGORY:
        return Counts(_count_codes(values, len(column.labels)))
    missing = int(np.count_nonzero(np.isnan(values)))
    bins = np.bincount(
        np.searchsorted(column.edges, values, side="right"), minlength=column.size
    ).astype(np.int64)
    bins[-2] -= missing  # NaN sorts after every edge
    bins[-1] = missing
    outside = values[(values < column.low) | (values > column.high)]
    if column.sentinels:
        outside = outside[~np.isin(outside, column.sentinels)]
    return Counts(bins, len(outside), _most_frequent(outside))


def _count_codes(codes: Floats, labels: int) -> Ints:
    missing = np.isnan(codes)
    known = codes[~missing].astype(np.int64)
    bins = np.bincount(np.where(known < 0, labels, known), minlength=labels + 2).astype(np.int64)
    bins[-1] = np.count_nonzero(missing)
    return bins


def _most_frequent(values: Floats) -> Counter[float]:
    if not len(values):
        return Counter()
    distinct, counts = np.unique(values, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:STRANGE_KEPT]
    return Counter({float(distinct[i]): int(counts[i]) for i in most})
