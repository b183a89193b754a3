"""Locate a difference from LightGBM: the row, the tree, the feature, and both values."""

from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from ..errors import MismatchError
from ..graph.ensemble import Ensemble
from ..graph.graph import build_graph
from ..graph.runtime import Runtime
from ..model.bits import differs
from ..model.features import Feature
from ..model.oracle import Oracle
from ..model.rows import fill_rows
from ..model.tree import Bools, Floats, Ints


@dataclass(frozen=True)
class Difference:
    """Our values and LightGBM's for one row."""

    where: str
    found: Floats
    wanted: Floats

    def __str__(self) -> str:
        return f"{self.where}: {self.found.tolist()!r}, LightGBM {self.wanted.tolist()!r}"


def refuse(difference: Difference) -> NoReturn:
    """Raise MismatchError with both values."""
    raise MismatchError(str(difference))


def refuse_tree(
    ensemble: Ensemble,
    oracle: Oracle,
    features: list[Feature],
    row: Floats,
    trees: tuple[int, int],
) -> NoReturn:
    """Raise MismatchError naming the first of `trees` that scores `row` `[1, F]` differently."""
    filled = fill_rows(row, features)
    for tree in range(*trees):
        part = ensemble.part(tree, tree + 1)
        iteration, output = divmod(tree, ensemble.outputs)
        found = _run(part, filled)[:, output]
        wanted = oracle.raw_of(row, iteration, 1)[:, output]
        if differs(found[:, None], wanted[:, None])[0]:
            leaf = int(oracle.leaves(row, iteration)[0, output])
            split = _parting(part, _leaf(part, filled), leaf)
            place = f"tree {tree}{_split_text(part, split, features, row)}"
            raise MismatchError(str(Difference(f"{place}; row {row[0].tolist()}", found, wanted)))
    raise MismatchError(f"every tree agrees, but their sum differs; row {row[0].tolist()}")


def _run(part: Ensemble, row: Floats) -> Floats:
    return Runtime(build_graph(part, row.shape[1]).SerializeToString()).raw(row)


def leaf_indices(ensemble: Ensemble, rows: Floats) -> Floats:
    """Return the leaf `[N, trees]` that each row reaches; not for linear trees."""
    parts = (ensemble.part(tree, tree + 1) for tree in range(ensemble.trees))
    return np.column_stack([_leaves(part, rows) for part in parts])


def _leaf(part: Ensemble, row: Floats) -> int:
    return int(_leaves(part, row)[0])


def _leaves(part: Ensemble, rows: Floats) -> Floats:
    """Run the tree with leaf indices instead of leaf values."""
    numbered = replace(
        part,
        leaf_value=np.arange(len(part.leaf_value), dtype=np.float64),
        leaf_output=np.zeros(len(part.leaf_value), np.int64),
        outputs=1,
    )
    return _run(numbered, rows)[:, 0]


def _parting(part: Ensemble, ours: int, theirs: int) -> int | None:
    """Return the split where the paths to two leaves separate; None if they are the same leaf."""
    one, other = _way(part, ours), _way(part, theirs)
    shared = [split for split in one if split in other]
    return None if ours == theirs or not shared else shared[-1]


def _way(part: Ensemble, leaf: int) -> list[int]:
    """Return the splits from the root to `leaf`."""
    way = _parents(part.true_child, part.true_is_leaf, part.false_child, part.false_is_leaf, leaf)
    while way[0] != 0:
        inner = (~part.true_is_leaf, ~part.false_is_leaf)
        way = [*_parents(part.true_child, inner[0], part.false_child, inner[1], way[0]), *way]
    return way


def _parents(true: Ints, true_mask: Bools, false: Ints, false_mask: Bools, child: int) -> list[int]:
    here = (true_mask & (true == child)) | (false_mask & (false == child))
    return [int(np.flatnonzero(here)[0])]


def _split_text(part: Ensemble, split: int | None, features: list[Feature], row: Floats) -> str:
    if split is None:
        return ", the same leaf with a different value"
    feature = int(part.feature[split])
    threshold = float(part.threshold[split])
    value = float(row[0, feature])
    return f", split {split}, feature {features[feature].name} = {value!r} at {threshold!r}"
