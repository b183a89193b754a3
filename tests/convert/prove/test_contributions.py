"""Contributions held to LightGBM's, and the models whose contributions cannot be relied on."""

import re

import lightgbm
import numpy as np
import pytest

from convert.errors import MismatchError, UnsupportedModelError
from convert.model.features import MissingChoice
from convert.prove.building import Built, build
from convert.prove.contributions import compare, explain, tried
from convert.prove.kinds import KINDS, Edit, Kind
from convert.read.loading import loaded_text

LINEAR = [kind for kind in KINDS if "linear_tree" in kind.name]
EXPLAINED = [kind for kind in KINDS if kind not in LINEAR]


def nothing(_: str) -> None:
    """Say nothing."""


def of_text(text: str) -> Built:
    return build(loaded_text(text), MissingChoice())


def text_of(name: str, seed: int = 2) -> str:
    return next(kind for kind in KINDS if kind.name == name).text(seed)


@pytest.mark.parametrize("kind", EXPLAINED, ids=lambda kind: kind.name)
def test_every_kind_is_within_rounding_of_lightgbm(kind: Kind) -> None:
    agreement = explain(of_text(kind.text(2)), None, nothing).agreement
    assert agreement.rows == 600
    assert agreement.largest < 1e-14
    assert agreement.missed < 1e-14
    assert agreement.reordered == 0


@pytest.mark.parametrize("kind", LINEAR, ids=lambda kind: kind.name)
def test_linear_trees_are_refused_by_name(kind: Kind) -> None:
    with pytest.raises(UnsupportedModelError, match="linear trees"):
        explain(of_text(kind.text(2)), None, nothing)


def test_a_random_forest_is_explained_as_the_mean_of_its_trees() -> None:
    built = of_text(text_of("random forest"))
    rows = tried(built, None)
    found = explain(built, None, nothing).of(rows)
    raw = built.subject.oracle.raw(rows)
    trees = len(built.model.trees)
    assert trees > 1
    assert np.allclose(found.sum(axis=2), raw / trees, rtol=1e-12, atol=1e-12)


def counts(text: str, key: str, change: int) -> str:
    """Add to the first count of the first tree."""
    first, rest = re.split(rf"(?<=\n{key}=)", text, maxsplit=1)
    number, rest = rest.split(" ", 1)
    changed = f"{first}{int(number) + change} {rest}"
    return "\n".join(line for line in changed.split("\n") if not line.startswith("tree_sizes="))


def without(text: str, key: str) -> str:
    starts = ("tree_sizes=", f"{key}=")
    return "\n".join(line for line in text.split("\n") if not line.startswith(starts))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: without(text, "leaf_count"), "tree 0 has no leaf_count"),
        (lambda text: without(text, "internal_count"), "tree 0 has no internal_count"),
        (lambda text: counts(text, "leaf_count", 1), r"tree 0, split \d+: \d+ rows, but \d+ in"),
        (lambda text: counts(text, "internal_count", 7), r"tree 0, split 0: 607 rows, but 600 in"),
        (lambda text: counts(text, "leaf_count", -10_000), "tree 0, leaf 0: a count of 1 row or"),
    ],
)
def test_counts_that_cannot_be_relied_on_are_refused_by_name(edit: Edit, said: str) -> None:
    built = of_text(edit(text_of("binary")))
    with pytest.raises(UnsupportedModelError, match=said):
        explain(built, None, nothing)


def test_one_contribution_beyond_the_bound_is_named() -> None:
    built = of_text(text_of("binary"))
    rows = tried(built, None)
    found = explain(built, None, nothing).of(rows)
    wanted, raw = built.subject.oracle.contributions(rows), built.subject.oracle.raw(rows)
    assert compare(built, found, wanted, raw).rows == len(rows)
    odd = found.copy()
    odd[7, 0, 2] += 1e-6
    with pytest.raises(MismatchError, match="row 7, output 0, contribution of Column_2"):
        compare(built, odd, wanted, raw)
    swapped = found.copy()
    swapped[:, 0, [0, 1]] = swapped[:, 0, [1, 0]]
    with pytest.raises(MismatchError, match="contribution of Column_0"):
        compare(built, swapped, wanted, raw)


def test_sums_that_miss_the_score_are_found_where_lightgbms_miss_it_too() -> None:
    built = of_text(text_of("binary"))
    rows = tried(built, None)
    found = explain(built, None, nothing).of(rows)
    off = found.copy()
    off[3, 0, 1] += 1e-3
    with pytest.raises(MismatchError, match="row 3: contributions add up to"):
        compare(built, off, off, built.subject.oracle.raw(rows))


DEEP = {
    "objective": "regression", "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0,
    "min_data_in_bin": 1, "verbosity": -1, "num_threads": 1,
}  # fmt: skip


def test_ours_add_up_on_deep_trees_where_lightgbms_do_not() -> None:
    """Trees over rare indicators, which LightGBM gets wrong; the bound grows with its own miss."""
    rng = np.random.default_rng(0)
    X = (rng.random((4000, 100)) < 0.02).astype(float)
    y = X @ rng.normal(size=100) + rng.normal(0, 0.1, 4000)
    booster = lightgbm.train({**DEEP, "num_leaves": 100}, lightgbm.Dataset(X, y), 20)
    agreement = explain(of_text(booster.model_to_string()), X, nothing).agreement
    assert agreement.lightgbm_missed > 1e-3
    assert agreement.missed < 1e-13


def test_trees_of_too_many_features_on_a_path_are_refused_by_name() -> None:
    """Each of 200 indicators is split off the last: one path asks about nearly all of them."""
    X, y = np.repeat(np.eye(200), 4, axis=0), -(np.repeat(np.arange(200.0), 4) ** 3)
    booster = lightgbm.train({**DEEP, "num_leaves": 201}, lightgbm.Dataset(X, y), 1)
    with pytest.raises(UnsupportedModelError, match="a path of more than 128 features"):
        explain(of_text(booster.model_to_string()), None, nothing)
