"""Verification has to go red for the least change to the trees, and to say where."""

from collections.abc import Iterator
from dataclasses import replace

import lightgbm
import numpy as np
import pytest

from convert.errors import MismatchError
from convert.graph.ensemble import MEMBER, Ensemble, build_ensemble
from convert.graph.graph import build_graph, read_ensemble
from convert.graph.runtime import Runtime
from convert.model.features import MissingChoice
from convert.model.parse import parse_model
from convert.model.tree import Model
from convert.prove.building import build
from convert.prove.verify import MOST_REFERENCE, Report, verify
from convert.read.loading import loaded_text


@pytest.fixture(scope="module")
def text() -> str:
    """A model with every kind of split: plain, missing, categorical."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1200, 4)).round(2)
    X[:, 2] = rng.integers(0, 40, 1200)
    X[rng.random(1200) < 0.2, 1] = np.nan
    odds = X[:, 0] + 2 * np.isin(X[:, 2], [3, 7, 30]) + np.isnan(X[:, 1])
    y = (odds + rng.normal(0, 1, 1200) > 0.5).astype(int)
    options = {"objective": "binary", "verbosity": -1, "num_leaves": 15, "min_data_per_group": 5}
    data = lightgbm.Dataset(X, y, categorical_feature=[2])
    return lightgbm.train({**options, "num_threads": 1}, data, 6).model_to_string()


@pytest.fixture(scope="module")
def model(text: str) -> Model:
    return parse_model(text)


def check(text: str, model: Model, ensemble: Ensemble) -> None:
    content = build_graph(ensemble, len(model.feature_names)).SerializeToString()
    subject = build(loaded_text(text), MissingChoice()).subject
    changed = replace(subject, ensemble=read_ensemble(content), runtime=Runtime(content))
    verify(changed, model, None, lambda _: None)


def test_an_untouched_model_passes(text: str, model: Model) -> None:
    check(text, model, build_ensemble(model))


def splits_that_nan_reaches(ensemble: Ensemble, feature: int) -> list[int]:
    """Splits on the number `feature` that a row with NaN there can arrive at."""
    found, todo = [], ensemble.roots.tolist()
    while todo:
        split = todo.pop()
        asked = ensemble.feature[split] == feature
        found += [split] if asked else []
        ways = [
            (ensemble.true_child, ensemble.true_is_leaf, True),
            (ensemble.false_child, ensemble.false_is_leaf, False),
        ]
        for child, is_leaf, side in ways:
            if not is_leaf[split] and (not asked or ensemble.missing_true[split] == side):
                todo.append(int(child[split]))
    return found


def mutations(ensemble: Ensemble) -> Iterator[tuple[str, Ensemble]]:
    """Every threshold one ulp up and down, every leaf one ulp up, every NaN sent the other way."""
    for split in np.flatnonzero(ensemble.mode != MEMBER).tolist():
        for goal in (np.inf, -np.inf):
            threshold = ensemble.threshold.copy()
            threshold[split] = np.nextafter(threshold[split], goal)
            if threshold[split] != ensemble.threshold[split]:
                yield f"threshold {split} to {goal}", replace(ensemble, threshold=threshold)
    for leaf in range(len(ensemble.leaf_value)):
        value = ensemble.leaf_value.copy()
        value[leaf] = np.nextafter(value[leaf], np.inf)
        yield f"leaf {leaf}", replace(ensemble, leaf_value=value)
    for split in splits_that_nan_reaches(ensemble, 1):
        missing = ensemble.missing_true.copy()
        missing[split] = ~missing[split]
        yield f"missing {split}", replace(ensemble, missing_true=missing)


def test_one_ulp_anywhere_turns_verification_red(text: str, model: Model) -> None:
    truth = build_ensemble(model)
    unseen = []
    for name, changed in mutations(truth):
        try:
            check(text, model, changed)
        except MismatchError:
            continue
        unseen.append(name)
    assert unseen == []


def test_one_category_in_the_wrong_set_turns_verification_red(text: str, model: Model) -> None:
    truth = build_ensemble(model)
    for index in np.flatnonzero(~np.isnan(truth.members)).tolist():
        members = truth.members.copy()
        members[index] = 39 if members[index] != 39 else 38
        with pytest.raises(MismatchError):
            check(text, model, replace(truth, members=members))


def test_a_mismatch_names_the_tree_the_feature_and_both_values(text: str, model: Model) -> None:
    truth = build_ensemble(model)
    threshold = truth.threshold.copy()
    split = int(truth.roots[3])
    threshold[split] += 0.5
    with pytest.raises(MismatchError) as caught:
        check(text, model, replace(truth, threshold=threshold))
    message = str(caught.value)
    name = model.feature_names[int(truth.feature[split])]
    assert f"tree 3, split 0, feature {name} = " in message
    assert "LightGBM" in message


def reported(text: str, reference: np.ndarray) -> Report:
    loaded = loaded_text(text)
    subject = build(loaded, MissingChoice()).subject
    return verify(subject, loaded.model, reference, lambda _: None)


def test_every_reference_row_is_compared_up_to_a_bound_that_is_told(text: str) -> None:
    rows = np.random.default_rng(5).normal(size=(MOST_REFERENCE + 7, 4))
    whole = reported(text, rows[:30_000])
    assert whole.kinds["reference"] == 30_000
    assert whole.left_out == {}
    part = reported(text, rows)
    assert part.kinds["reference"] == MOST_REFERENCE
    assert part.left_out == {"reference": 7}


def test_a_tree_budget_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only every other tree's block fits a budget made small."""
    monkeypatch.setattr("convert.prove.verify.MOST_SPLITS", 60)
    monkeypatch.setattr("convert.prove.verify.BLOCK_TREES", 1)
    assert reported(text, np.zeros((1, 4))).left_out == {"trees": 3}
