"""Adversarial rows: values on every threshold, just beside it, and special ones."""

import numpy as np

from ..model.features import Feature
from ..model.tree import ZERO, Floats, Model

TINY = float(np.nextafter(0.0, 1.0))
NEAR_ZERO = (0.0, TINY, 1e-36, np.nextafter(ZERO, 0.0), ZERO, np.nextafter(ZERO, 1.0), 1e-34)
LARGE = 1e300
FAR = (np.inf, 1.7e308, 1e300, 2.0**53)
SPECIALS = np.array([np.nan, *NEAR_ZERO, *FAR, *(-x for x in NEAR_ZERO), *(-x for x in FAR)])
ODD_CATEGORIES = np.array([np.nan, -1.0, -0.5, -1e9, 2.0**31 - 1, 2.0**31, 2.0**32 + 1, np.inf])


def pools(model: Model, features: list[Feature]) -> list[Floats]:
    """Return the values to try for every feature, special ones first."""
    tested = _tested_values(model)
    return [
        _categories(feature, values)
        if feature.is_category and not feature.ordered
        else _numbers(feature, values)
        for feature, values in zip(features, tested, strict=True)
    ]


def _tested_values(model: Model) -> list[Floats]:
    """Return each feature's thresholds, or the members of its category sets, ascending."""
    found: list[list[Floats]] = [[] for _ in model.feature_names]
    for tree in model.trees:
        for index in np.flatnonzero(tree.categorical).tolist():
            found[tree.split_feature[index]].append(tree.members(index).astype(np.float64))
    numeric = [~tree.categorical for tree in model.trees]
    pairs = zip(model.trees, numeric, strict=True)
    feature = np.concatenate([tree.split_feature[mask] for tree, mask in pairs])
    pairs = zip(model.trees, numeric, strict=True)
    threshold = np.concatenate([tree.threshold[mask] for tree, mask in pairs])
    order = np.argsort(feature, kind="stable")
    bounds = np.searchsorted(feature[order], np.arange(len(found) + 1))
    threshold = threshold[order]
    for index, values in enumerate(found):
        values.append(threshold[bounds[index] : bounds[index + 1]])
    return [np.unique(np.concatenate(values)) for values in found]


def _numbers(feature: Feature, thresholds: Floats) -> Floats:
    with np.errstate(over="ignore"):
        around = [thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)]
    return np.concatenate([SPECIALS, np.array(feature.seen or (-1.0, 1.0)), *around])


def _categories(feature: Feature, members: Floats) -> Floats:
    known = np.union1d(members, np.array(feature.codes, dtype=np.float64))
    last = known.max(initial=0.0)
    beyond = np.array([last + 1, last + 1000])
    return np.concatenate([ODD_CATEGORIES, known, known + 0.5, known + 0.999, -known, beyond])


def sweep(pool: list[Floats], rows: int, rng: np.random.Generator) -> Floats:
    """Return `[rows, F]` in which each feature cycles through its pool in random order."""
    columns = [_cycle(values, rows, rng) for values in pool]
    return np.column_stack(columns)


def _cycle(values: Floats, rows: int, rng: np.random.Generator) -> Floats:
    """Return `rows` values: whole shuffled cycles through `values`, or a random part of them."""
    rounds = -(-rows // len(values))
    return np.concatenate([rng.permutation(values) for _ in range(rounds)])[:rows]


def vary(base: Floats, pool: list[Floats], share: float, rng: np.random.Generator) -> Floats:
    """Return `base` with about `share` of the values replaced by values from the pools."""
    odd = sweep(pool, len(base), rng)
    return np.where(rng.random(base.shape) < share, odd, base)


def typical_rows(features: list[Feature], rows: int) -> Floats:
    """Draw `[rows, F]` from each feature's range in training, for use without reference rows."""
    rng = np.random.default_rng(0)
    return np.column_stack([_seen(feature, rows, rng) for feature in features])


def _seen(feature: Feature, rows: int, rng: np.random.Generator) -> Floats:
    if feature.codes:
        codes: Floats = np.array(feature.codes, dtype=np.float64)
        return codes[rng.integers(len(codes), size=rows)]
    least, greatest = feature.seen or (-1.0, 1.0)
    drawn = rng.uniform(max(least, -LARGE), min(greatest, LARGE), rows)
    whole = float(least).is_integer() and float(greatest).is_integer()
    return np.round(drawn) if whole else drawn
