"""Contributions as a server gives them: the bits that conversion proved, or none and a line."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from convert.bundle.write import MANIFEST, SUMS, hashes_of, json_bytes, sums
from convert.model.rows import fill_rows
from convert.prove.contributions import explain
from convert.prove.kinds import KINDS, Kind
from server.bundle.manifest import BundleError
from server.engine.contributions import Contributions
from server.engine.native.engine import Native
from server.engine.native.trees import read_trees
from server.scoring.care import Care
from server.scoring.model import Model, Options, load
from tests.conftest import Trained, convert
from tests.native_kernel import needs_kernel
from tests.native_models import made_rows, numbers, of_kind

pytestmark = needs_kernel
EXPLAINED = [kind for kind in KINDS if "linear_tree" not in kind.name]


@pytest.mark.parametrize("kind", EXPLAINED, ids=lambda kind: kind.name)
def test_every_kind_has_the_bits_of_the_reference_in_numpy(kind: Kind) -> None:
    built = of_kind(kind, seed=3)
    explained = explain(built, None, lambda _: None)
    trees, outputs = read_trees(built.content), built.model.trees_per_iteration
    covers = explained.files["covers.bin"]
    engine = Native(trees, numbers(len(built.features)), outputs, covers)
    rows = fill_rows(np.concatenate(list(made_rows(built, 400, 7))), built.features)
    found = Contributions(engine, built.transform.divide_by).of(rows)
    assert found.tobytes() == explained.of(rows).tobytes()
    assert found.shape == (400, outputs, len(built.features) + 1)


@pytest.fixture(scope="module")
def model(bundle: Path) -> Model:
    return load(bundle)


def test_the_contributions_of_real_applicants_are_lightgbms(model: Model, trained: Trained) -> None:
    assert model.contributions is not None
    wanted = np.asarray(trained.booster.predict(trained.held_out, pred_contrib=True))
    rows = trained.held_out.copy()
    for name in rows.select_dtypes("category"):
        rows[name] = rows[name].cat.codes.where(rows[name].notna())
    X = rows.to_numpy(np.float64)
    found = model.contributions.of(X)
    assert np.abs(found[:, 0] - wanted).max() < 1e-13
    assert [model.contributions.of(row).tobytes() for row in X] == [x.tobytes() for x in found]
    assert np.abs(found.sum(axis=(1, 2)) - trained.raw(trained.held_out)).max() < 1e-13


def test_onnxruntime_scores_beside_the_same_contributions(bundle: Path, model: Model) -> None:
    other = load(bundle, Options(engine="onnxruntime"))
    assert other.engine.name == "onnxruntime"
    assert other.contributions is not None
    assert model.contributions is not None
    rows = np.random.default_rng(0).normal(size=(50, 5))
    assert other.contributions.of(rows).tobytes() == model.contributions.of(rows).tobytes()


def changed(bundle: Path, folder: Path, **files: bytes | None) -> Path:
    """Copy a bundle with other files in it, or without some, and the sums to match."""
    copy = folder / "changed"
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / MANIFEST).read_bytes())
    names = {"covers": "covers.bin", "golden": "golden.json", "steps": "steps.onnx"}
    for key, content in files.items():
        name = names[key]
        (copy / name).unlink()
        del manifest["files"][name]
        if content is not None:
            (copy / name).write_bytes(content)
            manifest["files"] |= hashes_of({name: content})
    if "covers.bin" not in manifest["files"]:
        del manifest["contributions"]
    (copy / MANIFEST).write_bytes(json_bytes(manifest))
    listed = {name: (copy / name).read_bytes() for name in (*manifest["files"], MANIFEST)}
    (copy / SUMS).write_bytes(sums(listed))
    return copy


def test_a_bundle_without_covers_scores_and_gives_no_contributions(
    bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, model: Model
) -> None:
    found = load(changed(bundle, tmp_path, covers=None))
    assert found.contributions is None
    assert not caplog.records
    assert found.manifest.files["model.onnx"] == model.manifest.files["model.onnx"]


def test_one_bit_off_in_a_golden_row_and_only_contributions_are_off(
    bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    golden = json.loads((bundle / "golden.json").read_bytes())
    (row, *_) = (row for row in golden["rows"] if "contributions" in row)
    row["contributions"][0][1] = float(np.nextafter(row["contributions"][0][1], np.inf))
    caplog.set_level(logging.WARNING)
    found = load(changed(bundle, tmp_path, golden=json_bytes(golden)))
    assert found.contributions is None
    assert found.engine.name == "native"
    assert "no reasons are given: golden row 0: wanted contributions" in caplog.text


@pytest.mark.parametrize("wrong", ["fewer", "other", "zero"])
def test_wrong_covers_turn_contributions_off(
    wrong: str, bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = np.frombuffer((bundle / "covers.bin").read_bytes(), "<i4")
    zeros = np.where(counts == counts[3], 0, counts)
    content = {"fewer": counts[:-1], "other": counts[::-1], "zero": zeros}[wrong]
    found = load(changed(bundle, tmp_path, covers=content.astype("<i4").tobytes()))
    assert found.contributions is None
    assert "no reasons are given" in caplog.text
    assert found.engine.name == "native"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pipeline, pd.DataFrame]:
    """A bundle of one-hot columns, an imputer and a scaler before the trees."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {
            "job": rng.choice(["cook", "clerk", "smith"], 900),
            "income": np.where(rng.random(900) < 0.1, np.nan, rng.lognormal(10, 1, 900)),
            "debt": rng.normal(size=900),
        }
    )
    bad = (rows.job == "cook") ^ (rows.debt > 0) ^ rows.income.isna()
    imputer = SimpleImputer(add_indicator=True)
    steps = ColumnTransformer(
        [("job", OneHotEncoder(), ["job"]), ("income", imputer, ["income"])],
        remainder=StandardScaler(),
    )
    model = LGBMClassifier(n_estimators=12, num_leaves=9, verbosity=-1, n_jobs=1)
    whole = make_pipeline(steps, model).fit(rows, bad.astype(int))
    folder = tmp_path_factory.mktemp("pipeline")
    skops.io.dump(whole, folder / "model.skops")
    convert(folder / "model.skops", "--name", "steps", "--version", "1", "--out", str(folder))
    return folder / "steps" / "1", whole, rows


def test_one_hot_columns_are_summed_to_the_column_that_was_sent(
    pipeline: tuple[Path, Pipeline, pd.DataFrame],
) -> None:
    bundle, whole, rows = pipeline
    model = load(bundle)
    assert model.contributions is not None
    assert [each.name for each in model.manifest.features] == ["job", "income", "debt"]
    taken = whole[0].transform(rows)
    booster = whole[1].booster_
    wanted = np.asarray(booster.predict(taken, pred_contrib=True))
    summed = [wanted[:, :3].sum(axis=1), wanted[:, 3:5].sum(axis=1), *wanted[:, 5:].T]
    sent = rows.assign(job=rows.job.map({"clerk": 0.0, "cook": 1.0, "smith": 2.0}))
    found = model.contributions.of(sent.to_numpy(np.float64))
    assert np.abs(found[:, 0].T - summed).max() < 1e-13
    raw = np.asarray(booster.predict(taken, raw_score=True))
    assert np.abs(found.sum(axis=(1, 2)) - raw).max() < 1e-13


def test_steps_that_are_no_graph_are_refused_before_they_are_loaded_here(
    pipeline: tuple[Path, Pipeline, pd.DataFrame], tmp_path: Path
) -> None:
    tried = []

    def try_first(path: Path, make: Callable[[], object]) -> None:
        tried.append(path)

    bundle = changed(pipeline[0], tmp_path, steps=b"no graph")
    with pytest.raises(BundleError, match=r"steps.onnx: "):
        load(bundle, care=Care(try_first=try_first))
    assert tried == [bundle]
