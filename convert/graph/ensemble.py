"""Trees as the flat arrays of the ONNX operator `TreeEnsemble` (`ai.onnx.ml` 5), keeping every bit.

All splits of the model are in one set of arrays and all leaves in another, tree after tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..model.tree import ZERO, Bools, Floats, Ints, Missing, Model, Tree
from .linear import LinearTables, linear_tables

GREATER, MEMBER = 3, 6
# The only member of an empty set: no row holds it, because categories are whole numbers.
NEVER = 0.5


@dataclass(frozen=True)
class Ensemble:
    """The model as flat arrays: S splits, L leaves, T trees. Children index splits or leaves.

    A numeric split tests `x > threshold`, so its true child is LightGBM's right one. `members`
    holds the category sets one after another, separated by NaN.
    """

    feature: Ints
    threshold: Floats
    mode: Ints
    missing_true: Bools
    true_child: Ints
    true_is_leaf: Bools
    false_child: Ints
    false_is_leaf: Bools
    leaf_value: Floats
    leaf_output: Ints
    roots: Ints
    leaf_starts: Ints
    members: Floats
    outputs: int
    linear: LinearTables | None = None

    @property
    def trees(self) -> int:
        """The number of trees."""
        return len(self.roots)

    def part(self, first: int, last: int) -> "Ensemble":
        """Return only the trees `first` to `last - 1`, with the same outputs."""
        splits = slice(self.roots[first], _start(self.roots, last, len(self.feature)))
        leaves = slice(
            self.leaf_starts[first], _start(self.leaf_starts, last, len(self.leaf_value))
        )
        true_shift = np.where(self.true_is_leaf[splits], leaves.start, splits.start)
        false_shift = np.where(self.false_is_leaf[splits], leaves.start, splits.start)
        return Ensemble(
            feature=self.feature[splits],
            threshold=self.threshold[splits],
            mode=self.mode[splits],
            missing_true=self.missing_true[splits],
            true_child=self.true_child[splits] - true_shift,
            true_is_leaf=self.true_is_leaf[splits],
            false_child=self.false_child[splits] - false_shift,
            false_is_leaf=self.false_is_leaf[splits],
            leaf_value=self.leaf_value[leaves],
            leaf_output=self.leaf_output[leaves],
            roots=self.roots[first:last] - splits.start,
            leaf_starts=self.leaf_starts[first:last] - leaves.start,
            members=self._sets(splits),
            outputs=self.outputs,
            linear=self.linear.part(leaves) if self.linear else None,
        )

    def _sets(self, splits: slice) -> Floats:
        """Return the category sets of the splits in `splits`."""
        inside = int((self.mode[splits] == MEMBER).sum())
        if not inside:
            return np.zeros(0)
        before = int((self.mode[: splits.start] == MEMBER).sum())
        ends = np.append(np.flatnonzero(np.isnan(self.members)), len(self.members))
        first = int(ends[before - 1]) + 1 if before else 0
        return self.members[first : ends[before + inside - 1]]


def flush(threshold: Floats) -> Floats:
    """Move thresholds within +-ZERO so that tiny values fall on the same side as 0."""
    up = np.where((threshold >= 0) & (threshold < ZERO), ZERO, threshold)
    below = np.nextafter(-ZERO, -np.inf)
    return np.where((threshold >= -ZERO) & (threshold < 0), below, up)


def build_ensemble(model: Model) -> Ensemble:
    """Lay out the trees; tree i adds to output i modulo the number of outputs."""
    trees, outputs = model.trees, model.trees_per_iteration
    splits = np.array([max(len(tree.split_feature), 1) for tree in trees])
    leaves = np.array([len(tree.leaf_value) for tree in trees])
    roots, leaf_starts = _starts(splits), _starts(leaves)
    whole = [_with_a_split(tree) for tree in trees]
    decision = np.concatenate([tree.decision_type for tree in whole])
    threshold = np.concatenate([tree.threshold for tree in whole])
    left = np.concatenate([tree.left_child for tree in whole])
    right = np.concatenate([tree.right_child for tree in whole])
    categorical = (decision & 1).astype(bool)
    right_if_missing = _missing_goes_right(decision, threshold)
    of_split = np.repeat(np.arange(len(trees)), splits)
    left_at = np.where(left >= 0, left + roots[of_split], -1 - left + leaf_starts[of_split])
    right_at = np.where(right >= 0, right + roots[of_split], -1 - right + leaf_starts[of_split])
    return Ensemble(
        feature=np.concatenate([tree.split_feature for tree in whole]),
        threshold=np.where(categorical, 0.0, flush(threshold)),
        mode=np.where(categorical, MEMBER, GREATER),
        missing_true=right_if_missing & ~categorical,
        true_child=np.where(categorical, left_at, right_at),
        true_is_leaf=np.where(categorical, left < 0, right < 0),
        false_child=np.where(categorical, right_at, left_at),
        false_is_leaf=np.where(categorical, right < 0, left < 0),
        leaf_value=np.concatenate([tree.leaf_value for tree in trees]),
        leaf_output=np.repeat(np.arange(len(trees)) % outputs, leaves),
        roots=roots,
        leaf_starts=leaf_starts,
        members=_members(trees),
        outputs=outputs,
        linear=linear_tables(trees, len(model.feature_names)),
    )


def _start(starts: Ints, index: int, end: int) -> int:
    return int(starts[index]) if index < len(starts) else end


def _starts(sizes: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def _with_a_split(tree: Tree) -> Tree:
    """Give a one-leaf tree a split with the same leaf on both sides: ONNX requires a split."""
    if len(tree.split_feature):
        return tree
    zero, leaf = np.zeros(1, np.int64), np.full(1, -1, np.int64)
    return Tree(zero, np.zeros(1), zero, leaf, leaf, tree.leaf_value, np.zeros(1), zero, zero)


def _missing_goes_right(decision: Ints, threshold: Floats) -> Bools:
    """Return where NaN goes right: as 0 would without a missing kind, else by the default
    direction.
    """
    missing, default_left = (decision >> 2) & 3, (decision & 2).astype(bool)
    return np.where(missing == Missing.NONE, ~(threshold >= 0), ~default_left)


def _members(trees: Sequence[Tree]) -> Floats:
    """Return the sets of all categorical splits, in order, separated by NaN."""
    sets: list[Floats] = []
    for tree in trees:
        for split in np.flatnonzero(tree.categorical).tolist():
            found = tree.members(split).astype(np.float64)
            sets += [found if len(found) else np.array([NEVER]), np.array([np.nan])]
    return np.concatenate(sets)[:-1] if sets else np.zeros(0)
