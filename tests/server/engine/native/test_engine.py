"""The native engine's scores: LightGBM's bits and onnxruntime's, whatever the model and the row."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np
import pytest

from convert.prove.checking import cases_of
from convert.prove.kinds import KINDS, Kind
from server.bundle.applicant import RowWriter
from server.bundle.manifest import Feature, Manifest
from server.bundle.reading import read_manifest
from server.engine.native.engine import Native
from server.engine.native.trees import NotNativeError, read_trees
from tests.conftest import Trained, applicants
from tests.native_kernel import needs_kernel
from tests.native_models import (
    Compared,
    bits,
    compare,
    made_rows,
    native,
    numbers,
    of_file,
    of_kind,
)
from tests.shared_data import shared

ROWS = 1_500
pytestmark = needs_kernel


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_scores_with_the_bits_of_lightgbm_or_is_refused_by_name(kind: Kind) -> None:
    built = of_kind(kind)
    if "linear_tree" in kind.name:
        with pytest.raises(NotNativeError, match=r"one TreeEnsemble alone.*Cast"):
            native(built)
        return
    assert compare(built, made_rows(built, ROWS, 3)) == Compared(ROWS, 0, 0)


def test_every_real_model_scores_with_the_bits_of_lightgbm() -> None:
    home = shared("real-models")
    cases = [(case.model, case.num_iteration) for case in cases_of(home / "cases.json", None)]
    more = ["models/credit-predictor.txt", "models/airline.txt", "pickles/zilliox"]
    compared = 0
    for path, iterations in [*cases, *((home / each, None) for each in more)]:
        built = of_file(path, iterations)
        if built.subject.ensemble.linear is None:
            assert compare(built, made_rows(built, 300, 5)) == Compared(300, 0, 0), path
            compared += 1
    assert compared >= 18


def test_a_row_alone_and_in_a_block_have_the_same_bits() -> None:
    built = of_kind(next(kind for kind in KINDS if kind.name == "multiclass"))
    engine = native(built)
    rows = next(made_rows(built, 200, 1))
    block = engine.score_block(rows)
    for row, wanted in zip(rows, block, strict=True):
        engine.row[:] = row
        engine.score_row()
        assert engine.raw.tobytes() == wanted.tobytes()


def test_a_fraction_of_a_category_is_cut_off_as_lightgbm_does() -> None:
    """onnxruntime compares it as it is; the server's rows hold whole categories only."""
    built = of_kind(next(kind for kind in KINDS if kind.name == "categories"))
    engine = native(built)
    rows = next(made_rows(built, 500, 2))
    rows[:, 0] = np.linspace(-3.0, 25.0, len(rows))
    wanted = built.subject.oracle.raw(rows)
    assert (bits(engine.score_block(rows)) == bits(wanted)).all()


@pytest.fixture(scope="module")
def manifest(bundle: Path) -> Manifest:
    return read_manifest(bundle / "manifest.json")


@pytest.fixture(scope="module")
def engine(bundle: Path, manifest: Manifest) -> Native:
    trees = read_trees((bundle / "model.onnx").read_bytes())
    return Native(trees, manifest.features, 1)


def values_of(trained: Trained, manifest: Manifest) -> list[tuple[Any, ...]]:
    names = [feature.name for feature in manifest.features]
    return [tuple(row[name] for name in names) for row in applicants(trained.held_out)]


def test_values_become_the_row_the_long_way_makes_and_lightgbms_score(
    engine: Native, manifest: Manifest, trained: Trained
) -> None:
    row = np.zeros(len(manifest.features))
    writer = RowWriter(manifest, row, unseen_is_missing=False)
    wanted = trained.raw(trained.held_out)
    scored = 0
    for values, raw in zip(values_of(trained, manifest), wanted.tolist(), strict=True):
        said = engine.score(values)
        if said is None:
            continue
        writer.write(values)
        assert said == (row.tobytes(), [raw])
        scored += 1
    assert scored > 900


FIT = (40.0, 1000.5, 0.5, "car", 2)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((40.0, 1000.5, 0.5, "boat", 2), id="a category that was not trained"),
        pytest.param((40.0, math.nan, 0.5, "car", 2), id="NaN instead of None"),
        pytest.param((1e300, 1000.5, 0.5, "car", 2), id="a number beyond 2**53"),
        pytest.param((-1.0, 1000.5, 0.5, "car", 2), id="a number outside the range seen"),
        pytest.param((math.inf, 1000.5, 0.5, "car", 2), id="infinity"),
    ],
)
def test_what_asks_for_a_closer_look_is_left_to_it(engine: Native, values: Sequence[Any]) -> None:
    assert engine.score(FIT) is not None
    assert engine.score(values) is None


@pytest.mark.parametrize("values", [(), FIT[:-1], [*FIT], (*FIT[:2], "text", *FIT[3:])])
def test_what_is_no_tuple_of_numbers_is_a_type_error(engine: Native, values: Any) -> None:
    with pytest.raises(TypeError):
        engine.score(values)


def changed(manifest: Manifest, name: str, **more: Any) -> tuple[Feature, ...]:
    return tuple(
        msgspec.structs.replace(each, **more) if each.name == name else each
        for each in manifest.features
    )


def test_a_stand_in_takes_the_place_of_what_is_missing(bundle: Path, manifest: Manifest) -> None:
    missing = msgspec.structs.replace(manifest.features[1].missing, policy="impute", value=1234.5)
    features = changed(manifest, manifest.features[1].name, missing=missing)
    trees = read_trees((bundle / "model.onnx").read_bytes())
    said = Native(trees, features, 1).score((40.0, None, 0.5, "car", 2))
    assert said is not None
    assert np.frombuffer(said[0])[1] == 1234.5


def test_zero_is_missing_where_the_manifest_says_so(bundle: Path, manifest: Manifest) -> None:
    trees = read_trees((bundle / "model.onnx").read_bytes())
    plain = Native(trees, manifest.features, 1)
    flushed = Native(trees, changed(manifest, "DEBT-RATIO", zero_as_missing=True, seen=None), 1)
    values = (40.0, 1000.5, 1e-36, "car", 2)
    plain_row, flushed_row = plain.score(values), flushed.score(values)
    assert flushed_row is not None
    assert np.isnan(np.frombuffer(flushed_row[0])[2])
    assert plain_row is None or not np.isnan(np.frombuffer(plain_row[0])[2])


def test_a_split_at_infinity_sends_only_the_missing_one_way() -> None:
    """LightGBM makes such splits where being missing is all that matters."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    X[::3, 0] = np.nan
    label = np.isnan(X[:, 0]) + rng.normal(0, 0.1, 600)
    options = {"objective": "regression", "verbosity": -1, "num_leaves": 4, "num_threads": 1}
    text = lightgbm.train(options, lightgbm.Dataset(X, label), 5).model_to_string()
    built = of_kind(Kind("split at infinity", edit=lambda _: text))
    assert np.isinf(built.subject.ensemble.threshold).any() or "e+300" in text
    rows = np.array([[np.nan, 0.0], [np.inf, 0.0], [-np.inf, 0.0], [1.7e308, 0.0], [0.0, 0.0]])
    assert compare(built, iter([rows])) == Compared(5, 0, 0)


def test_an_output_that_the_manifest_does_not_know_is_refused(bundle: Path) -> None:
    trees = read_trees((bundle / "model.onnx").read_bytes())
    with pytest.raises(NotNativeError, match="wanted 1 outputs, got 3"):
        Native(dataclasses.replace(trees, outputs=3), numbers(5), 1)
