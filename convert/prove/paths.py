"""The splits of a tree as contributions see them: what share of the training rows goes each way.

monitoring/ reads it through a link: folders share files and no imports.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .forest import MEMBER, Bools, Ensemble, Floats, Ints, UnsupportedModelError

ROOT = -1
MOST_FEATURES, MOST_SPLITS = 128, 1000  # on a path


@dataclass
class Split:
    """A split. Of the pairs the first is for no, the second for yes.

    A child >= 0 is a split of the same tree, -1 - i is leaf i. `share` of the training rows go each
    way. `above` is the last split on the path that asks about the same feature, None where there is
    none, `side` which of its children leads here, and `reached` the share of the training rows that
    all splits on this feature have let through. `features` is how many the path asks about.
    """

    number: int
    feature: int
    child: tuple[int, int]
    parent: int
    rows: int = 0
    share: tuple[float, float] = (0.0, 0.0)
    above: int | None = None
    side: int = 0
    reached: float = 1.0
    features: int = 1
    depth: int = 0

    @property
    def is_pair(self) -> bool:
        """Whether both children are leaves."""
        return max(self.child) < 0


@dataclass
class Paths:
    """A tree, level by level from its root; `expected` is its mean over the training rows."""

    output: int
    splits: list[Split]
    leaves: dict[int, float] = field(default_factory=dict)
    expected: float = 0.0

    @property
    def points(self) -> int:
        """How many points of a Gauss-Legendre rule give its contributions exactly: 4, 8, 12…"""
        features = max(split.features for split in self.splits)
        return -(-features // 8) * 4


def paths_of(ensemble: Ensemble, tree: int, counts: Ints) -> Paths:
    """Follow the paths of one tree; `counts` [L] are the training rows in every leaf.

    Raises UnsupportedModelError where they are longer than the server takes.
    """
    splits = _grown(ensemble, int(ensemble.roots[tree]))
    for split in reversed(splits):
        rows = [_rows(splits, child, counts) for child in split.child]
        split.rows = sum(rows)
        split.share = (rows[0] / split.rows, rows[1] / split.rows)
    for number in range(1, len(splits)):
        splits[number].depth = splits[splits[number].parent].depth + 1
        if splits[number].depth >= MOST_SPLITS:
            raise UnsupportedModelError(f"tree {tree}: a path of more than {MOST_SPLITS} splits")
        _look_up(splits, number)
    if max(split.features for split in splits) > MOST_FEATURES:
        raise UnsupportedModelError(f"tree {tree}: a path of more than {MOST_FEATURES} features")
    found = Paths(int(ensemble.leaf_output[-1 - splits[-1].child[0]]), splits)
    for split in splits:
        for leaf in (-1 - child for child in split.child if child < 0):
            found.leaves[leaf] = float(ensemble.leaf_value[leaf])
            found.expected += int(counts[leaf]) / splits[0].rows * found.leaves[leaf]
    return found


def _grown(ensemble: Ensemble, root: int) -> list[Split]:
    """Lay the splits out, level by level, the child for no before that for yes."""
    splits: list[Split] = []
    ahead = [(root, ROOT)]
    for number, parent in ahead:
        child = []
        for at, is_leaf in (
            (ensemble.false_child[number], ensemble.false_is_leaf[number]),
            (ensemble.true_child[number], ensemble.true_is_leaf[number]),
        ):
            child.append(-1 - int(at) if is_leaf else len(ahead))
            if not is_leaf:
                ahead.append((int(at), len(splits)))
        feature = int(ensemble.feature[number])
        splits.append(Split(number, feature, (child[0], child[1]), parent))
    return splits


def _rows(splits: Sequence[Split], child: int, counts: Ints) -> int:
    return int(counts[-1 - child]) if child < 0 else splits[child].rows


def _look_up(splits: Sequence[Split], number: int) -> None:
    """Find the last split above on the same feature."""
    here, below = splits[number], number
    here.features = splits[here.parent].features
    while below:
        above = splits[below].parent
        if splits[above].feature == here.feature:
            here.above, here.side = above, int(splits[above].child[1] == below)
            here.reached = splits[above].reached * splits[below].rows / splits[above].rows
            return
        below = above
    here.features += 1


def sets_of(ensemble: Ensemble) -> dict[int, Floats]:
    """Return the categories of every split that asks for them, by its number."""
    asked, members = np.flatnonzero(ensemble.mode == MEMBER).tolist(), ensemble.members
    if not asked:
        return {}
    sets = np.split(members, np.flatnonzero(np.isnan(members)))
    return {split: one[~np.isnan(one)] for split, one in zip(asked, sets, strict=True)}


def decided(ensemble: Ensemble, sets: dict[int, Floats], split: Split, rows: Floats) -> Bools:
    """Return which of rows [N, F] go to yes."""
    x = rows[:, split.feature]
    if split.number in sets:
        return np.isin(x, sets[split.number])
    beyond: Bools = x > ensemble.threshold[split.number]
    return beyond | np.isnan(x) if ensemble.missing_true[split.number] else beyond
