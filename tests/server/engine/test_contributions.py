"""Contributions as a server gives them: the bits that conversion proved, or none and a line."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from convert.bundle.write import MANIFEST, SUMS, hashes_of, json_bytes, sums
from convert.model.rows import fill_rows
from convert.prove.contributions import explain
from convert.prove.kinds import KINDS, Kind
from server.engine.contributions import Contributions
from server.engine.native.engine import Native
from server.engine.native.trees import read_trees
from server.scoring.model import Model, Options, load
from tests.conftest import Trained
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
    names = {"covers": "covers.bin", "golden": "golden.json"}
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
