"""A LightGBM text model as typed arrays, with the numbers as LightGBM wrote them."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

# LightGBM treats |x| <= this as 0 before any tree sees it (kZeroThreshold).
ZERO = float(np.float32(1e-35))

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Missing(IntEnum):
    """What counts as missing at a split: bits 2 and 3 of `decision_type`."""

    NONE = 0
    ZERO = 1
    NAN = 2


@dataclass(frozen=True)
class LinearLeaves:
    """The linear models of `linear_tree` leaves: const + sum(coefficient * feature), in order."""

    const: Floats
    counts: Ints
    features: Ints
    coefficients: Floats


@dataclass(frozen=True)
class Tree:
    """One tree of n splits and n + 1 leaves. A child >= 0 is a split; -1 - i is leaf i.

    Counts are of training rows; None if the text has none.
    """

    split_feature: Ints
    threshold: Floats
    decision_type: Ints
    left_child: Ints
    right_child: Ints
    leaf_value: Floats
    split_gain: Floats
    cat_boundaries: Ints
    cat_threshold: Ints
    linear: LinearLeaves | None = None
    split_count: Floats | None = None
    leaf_count: Floats | None = None

    @property
    def categorical(self) -> Bools:
        """Mask over the splits: tests whether a category is in a set."""
        return (self.decision_type & 1).astype(bool)

    @property
    def default_left(self) -> Bools:
        """Mask over the splits: a missing value goes left."""
        return (self.decision_type & 2).astype(bool)

    @property
    def missing(self) -> Ints:
        """The `Missing` kind of each split."""
        return (self.decision_type >> 2) & 3

    def members(self, split: int) -> Ints:
        """Return the categories that go left at a categorical split, ascending."""
        which = int(self.threshold[split])
        words = self.cat_threshold[self.cat_boundaries[which] : self.cat_boundaries[which + 1]]
        bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
        return np.flatnonzero(bits)


@dataclass(frozen=True)
class Model:
    """A complete text model.

    `trees` are in iteration order; each iteration has one tree per output.
    """

    version: str
    objective: str | None
    trees_per_iteration: int
    average_output: bool
    feature_names: tuple[str, ...]
    feature_infos: tuple[str, ...]
    trees: tuple[Tree, ...]
    pandas_categorical: list[list[object]] | None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def iterations(self) -> int:
        """The number of boosting rounds."""
        return len(self.trees) // self.trees_per_iteration
