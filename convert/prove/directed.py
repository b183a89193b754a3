"""Directed rows: for every split of every tree, rows that reach it and test its threshold.

From the roots down, each split inherits from its parent what a row must hold to reach it: an
interval `(low, high]` for each number, and a set of categories for each category.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..graph.ensemble import MEMBER, Ensemble
from ..model.tree import ZERO, Bools, Floats, Ints

BELOW = np.nextafter(-ZERO, -np.inf)
ABOVE = np.nextafter(ZERO, np.inf)
# Random categories tried at one split, besides one that goes left and one that goes right.
CATEGORIES = 12
MOST_CATEGORIES = 1_000


@dataclass
class Reach:
    """What a row must hold to reach each of S splits.

    A number is within `(low, high]` `[S, F]`, or may be NaN where `missing` `[S, F]`. A category is
    one of `allowed` `[S, C, categories]`. `met` `[S]`: a row that reaches the split exists.
    """

    low: Floats
    high: Floats
    missing: Bools
    allowed: NDArray[np.bool_]
    met: Bools


@dataclass(frozen=True)
class FeatureSpace:
    """Properties of the features: which are categories, which treat 0 as missing.

    `universe` are the categories used in rows: all of them, or a sample if there are too many.
    """

    category_column: Ints
    universe: Ints
    zero_as_missing: Bools


def feature_space(ensemble: Ensemble, features: int, zero_as_missing: Bools) -> FeatureSpace:
    """Number the categorical features; the universe ends one above the largest member of
    any set.
    """
    columns = np.full(features, -1)
    used = np.unique(ensemble.feature[ensemble.mode == MEMBER])
    columns[used] = np.arange(len(used))
    last = int(np.nanmax(ensemble.members)) if len(ensemble.members) else 0
    universe = np.arange(last + 2)
    if len(universe) > MOST_CATEGORIES:
        members = np.unique(ensemble.members[~np.isnan(ensemble.members)]).astype(np.int64)
        rng = np.random.default_rng(last)
        some = rng.choice(members, min(len(members), MOST_CATEGORIES), replace=False)
        universe = np.append(np.sort(some), last + 1)
    return FeatureSpace(columns, universe, zero_as_missing)


def directed_rows(
    block: Ensemble, space: FeatureSpace, base: Floats, both: bool
) -> Iterator[Floats]:
    """Yield rows `[n, F]`, a few for every split of `block` that a row can reach.

    `base` `[any, F]` supplies the values of features that the path does not test. `both` adds the
    value just below each threshold, which the threshold and the value above usually settle.
    """
    wide = block.feature
    used, narrow = np.unique(wide, return_inverse=True)
    block = replace(block, feature=narrow)
    space = FeatureSpace(space.category_column[used], space.universe, space.zero_as_missing[used])
    chosen = np.arange(len(wide)) % len(base)
    reach = _descend(block, space)
    rows = base[chosen]
    rows[:, used] = _on_path(rows[:, used], reach, space)
    for splits, values in _questions(block, space, reach, both):
        asked = rows[splits]
        asked[np.arange(len(asked)), wide[splits]] = values
        yield asked


def _questions(
    block: Ensemble, space: FeatureSpace, reach: Reach, both: bool
) -> Iterator[tuple[Ints, Floats]]:
    """Yield (splits, the value to test each of them with)."""
    numeric = np.flatnonzero(reach.met & (block.mode != MEMBER))
    if len(numeric):
        for values in _around(block.threshold[numeric], both):
            yield numeric, values
    categorical = np.flatnonzero(reach.met & (block.mode == MEMBER))
    if len(categorical):
        columns = space.category_column[block.feature[categorical]]
        allowed = reach.allowed[categorical, columns]
        for values in _choices(allowed, member_bits(block, space)[categorical], space):
            yield categorical, values


def _around(threshold: Floats, both: bool) -> list[Floats]:
    with np.errstate(over="ignore"):
        up, down = np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)
    below = [down] if both else []
    return [threshold, up, *below, np.full(len(threshold), np.nan)]


def _choices(allowed: Bools, members: Bools, space: FeatureSpace) -> Iterator[Floats]:
    """Yield for each split: an allowed category of each side, some random ones, and none (NaN)."""
    rng = np.random.default_rng(len(allowed))
    for mask in (allowed & members, allowed & ~members):
        yield np.where(mask.any(axis=1), space.universe[mask.argmax(axis=1)], np.nan)
    for _ in range(CATEGORIES):
        ranks = rng.random(allowed.shape) * allowed
        yield space.universe[ranks.argmax(axis=1)].astype(np.float64)
    yield np.full(len(allowed), np.nan)


def member_bits(block: Ensemble, space: FeatureSpace) -> Bools:
    """Return a mask `[S, categories]`: the category belongs to the split's set."""
    bits = np.zeros((len(block.feature), len(space.universe)), dtype=bool)
    ends = np.isnan(block.members)
    which = np.cumsum(ends) - ends
    splits = np.flatnonzero(block.mode == MEMBER)
    known = np.isin(block.members, space.universe)
    bits[splits[which[known]], np.searchsorted(space.universe, block.members[known])] = True
    return bits


def _descend(block: Ensemble, space: FeatureSpace) -> Reach:
    """Pass the conditions from parents to children, level by level, for all trees at once."""
    splits, features = len(block.feature), len(space.category_column)
    columns = int(space.category_column.max(initial=-1)) + 1
    reach = Reach(
        np.full((splits, features), -np.inf),
        np.full((splits, features), np.inf),
        np.ones((splits, features), dtype=bool),
        np.ones((splits, columns, len(space.universe)), dtype=bool),
        np.ones(splits, dtype=bool),
    )
    members = member_bits(block, space) if columns else np.zeros((splits, 0), dtype=bool)
    level = block.roots
    while len(level):
        for child, is_leaf, side in (
            (block.true_child, block.true_is_leaf, True),
            (block.false_child, block.false_is_leaf, False),
        ):
            parents = level[~is_leaf[level]]
            _inherit(reach, parents, child[parents])
            _narrow(reach, block, space, parents, child[parents], side, members)
        inner = [
            block.true_child[level[~block.true_is_leaf[level]]],
            block.false_child[level[~block.false_is_leaf[level]]],
        ]
        level = np.concatenate(inner)
    return reach


def _inherit(reach: Reach, parents: Ints, children: Ints) -> None:
    reach.low[children] = reach.low[parents]
    reach.high[children] = reach.high[parents]
    reach.missing[children] = reach.missing[parents]
    reach.allowed[children] = reach.allowed[parents]


def _narrow(
    reach: Reach,
    block: Ensemble,
    space: FeatureSpace,
    parents: Ints,
    children: Ints,
    side: bool,
    members: Bools,
) -> None:
    """Add the parent's own test, with the result `side`, to the children's conditions."""
    numeric = block.mode[parents] != MEMBER
    at, feature = children[numeric], block.feature[parents[numeric]]
    threshold = block.threshold[parents[numeric]]
    if side:
        reach.low[at, feature] = np.maximum(reach.low[at, feature], threshold)
    else:
        reach.high[at, feature] = np.minimum(reach.high[at, feature], threshold)
    reach.missing[at, feature] &= block.missing_true[parents[numeric]] == side
    asked = parents[~numeric]
    if len(asked):
        column = space.category_column[block.feature[asked]]
        reach.allowed[children[~numeric], column] &= members[asked] == side


def _on_path(base: Floats, reach: Reach, space: FeatureSpace) -> Floats:
    """Return rows that reach each split, keeping base values where possible; updates
    `reach.met`.
    """
    asked = (reach.low > -np.inf) | (reach.high < np.inf)
    inside = (base > reach.low) & (base <= reach.high)
    with np.errstate(over="ignore"):
        nearest = np.where(reach.high < np.inf, reach.high, np.nextafter(reach.low, np.inf))
    rows = np.where(asked & ~inside, nearest, base)
    _leave_zero(rows, asked, reach, space)
    fits = ~asked | ((rows > reach.low) & (rows <= reach.high))
    rows[~fits & reach.missing] = np.nan
    reach.met &= np.all(fits | reach.missing, axis=1)
    for feature in np.flatnonzero(space.category_column >= 0).tolist():
        allowed = reach.allowed[:, space.category_column[feature]]
        narrowed = ~allowed.all(axis=1)
        rows[narrowed, feature] = space.universe[allowed[narrowed].argmax(axis=1)]
        reach.met &= allowed.any(axis=1)
    return rows


def _leave_zero(rows: Floats, asked: Bools, reach: Reach, space: FeatureSpace) -> None:
    """Where 0 means missing, move a number on the path outside +-ZERO."""
    at_zero = asked & space.zero_as_missing & (np.abs(rows) <= ZERO)
    if at_zero.any():
        rows[at_zero] = np.where(reach.high[at_zero] >= ABOVE, ABOVE, BELOW)
