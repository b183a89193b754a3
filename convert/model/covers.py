"""Covers: how many training rows went to each leaf, which contributions are taken against.

Sums of contributions prove no counts: with wrong ones they add up all the same.
"""

import numpy as np

from ..errors import UnsupportedModelError
from .tree import Floats, Ints, Model, Tree

MOST_ROWS = (1 << 31) - 1


def covers_of(model: Model) -> Ints:
    """Return the count of every leaf of model.onnx: tree after tree, then those it adds.

    A tree without a split has there a leaf of 1 row on each side of a split that is never met.
    Raises UnsupportedModelError, naming the tree, where the counts cannot be relied on.
    """
    added = sum(not len(tree.split_feature) for tree in model.trees)
    counts = [_counts(number, tree) for number, tree in enumerate(model.trees)]
    return np.concatenate([*counts, np.ones(added, np.int64)])


def _counts(number: int, tree: Tree) -> Ints:
    if tree.linear is not None:
        raise UnsupportedModelError("LightGBM has no contributions of linear trees")
    if not len(tree.split_feature):
        return np.ones(1, np.int64)
    if tree.leaf_count is None or tree.split_count is None:
        absent = "leaf_count" if tree.leaf_count is None else "internal_count"
        raise UnsupportedModelError(f"tree {number} has no {absent}")
    _check_whole(number, "leaf", tree.leaf_count)
    _check_whole(number, "split", tree.split_count)
    _check_sums(number, tree, tree.split_count, tree.leaf_count)
    return tree.leaf_count.astype(np.int64)


def _check_whole(number: int, what: str, counts: Floats) -> None:
    wrong = ~((counts >= 1) & (counts <= MOST_ROWS) & (counts == np.floor(counts)))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise UnsupportedModelError(
            f"tree {number}, {what} {at}: a count of 1 row or more wanted, got {counts[at]:g}"
        )


def _check_sums(number: int, tree: Tree, splits: Floats, leaves: Floats) -> None:
    left, right = (
        np.where(child >= 0, splits[np.maximum(child, 0)], leaves[np.maximum(-1 - child, 0)])
        for child in (tree.left_child, tree.right_child)
    )
    below = left + right
    wrong = np.flatnonzero(below != splits)
    if len(wrong):
        at = int(wrong[0])
        raise UnsupportedModelError(
            f"tree {number}, split {at}: {splits[at]:g} rows, but {below[at]:g} in its children"
        )
