"""The proof at every start: one differing bit, and the native engine does not score."""

import dataclasses
import logging
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from convert.prove.kinds import KINDS
from server.bundle import reading
from server.bundle.manifest import BundleError
from server.bundle.reading import Opened, read_manifest
from server.engine import choice
from server.engine.engine import Engine
from server.engine.native import agreement
from server.engine.native.engine import Native
from server.engine.native.layout import each_threshold
from server.engine.native.trees import NotNativeError, Trees, read_trees
from server.engine.session import Session
from server.settings import Wanted
from tests.conftest import ROOT, environment
from tests.conftest import convert as converted
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
GOLDEN = np.zeros((1, 5))


@pytest.fixture(scope="module")
def read(bundle: Path) -> Opened:
    return reading.read(bundle)


@pytest.fixture(scope="module")
def trees(bundle: Path) -> Trees:
    return read_trees((bundle / "model.onnx").read_bytes())


@pytest.fixture(scope="module")
def session(bundle: Path) -> Session:
    return Session(bundle / "model.onnx", 5, 1)


def test_the_rows_sit_on_thresholds_beside_them_and_at_the_ends(trees: Trees) -> None:
    rows = agreement.rows(trees, GOLDEN)
    assert len(rows) == 1 + agreement.MOST
    assert (rows == agreement.rows(trees, GOLDEN)).sum() == np.isfinite(rows).sum() + np.isinf(
        rows
    ).sum()
    for feature, asked in each_threshold(trees):
        met = set(rows[:, feature].tolist())
        assert len(set(asked.tolist()) - met) < len(asked) / 2
        if not trees.member[trees.feature == feature].any():
            assert set(agreement.SPECIALS[1:].tolist()) <= met
        assert np.isnan(rows[:, feature]).any()


@pytest.mark.parametrize("changed", ["leaf", "threshold"])
def test_one_ulp_anywhere_is_found(
    changed: str, trees: Trees, session: Session, read: Opened
) -> None:
    """Of the first leaf, or of the threshold of the first split of numbers."""
    values = getattr(trees, changed).copy()
    at = 0 if changed == "leaf" else int(np.flatnonzero(~trees.member)[0])
    values[at] = np.nextafter(values[at], np.inf)
    other = Native(
        dataclasses.replace(trees, **{changed: values}), read.bundle.manifest.features, 1
    )
    with pytest.raises(NotNativeError, match="rows differ; the first"):
        agreement.check(session, other, agreement.rows(trees, GOLDEN))


def test_a_body_that_scores_otherwise_than_its_values_is_found(trees: Trees, read: Opened) -> None:
    """The decoder of another native engine, a leaf of which is one ulp off, stands in."""
    features = read.bundle.manifest.features
    golden = np.array([[40.0, 1000.5, 0.5, 1.0, 2.0], [40.0, np.nan, 0.5, np.nan, np.nan]])
    native = Native(trees, features, 1)
    agreement.check_bodies(native, features, golden)
    other = Native(dataclasses.replace(trees, leaf=np.nextafter(trees.leaf, np.inf)), features, 1)
    for name in ("score_json", "score_msgpack"):
        twisted = Native(trees, features, 1)
        setattr(twisted, name, getattr(other, name))
        with pytest.raises(NotNativeError, match=r"from the body .*, from its values"):
            agreement.check_bodies(twisted, features, golden)


def test_an_array_read_otherwise_than_its_values_is_found(trees: Trees, read: Opened) -> None:
    """The arrays of an engine that takes a category's zero for missing stand in."""
    features = read.bundle.manifest.features
    golden = np.array([[40.0, 1000.5, 0.5, 0.0, 2.0]])
    others = [
        *features[:3],
        msgspec.structs.replace(features[3], zero_as_missing=True),
        features[4],
    ]
    for name in ("block_json", "block_msgpack", "bodies_json", "bodies_msgpack"):
        twisted = Native(trees, features, 1)
        agreement.check_bodies(twisted, features, golden)
        setattr(twisted, name, getattr(Native(trees, others, 1), name))
        with pytest.raises(NotNativeError, match="as a block, from"):
            agreement.check_bodies(twisted, features, golden)


def test_engines_that_differ_refuse_native_and_auto_falls_back_with_a_line(
    read: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A session over another model of the same shape stands in for an engine that went wrong."""
    kind = next(kind for kind in KINDS if kind.name == "binary")
    (tmp_path / "model.txt").write_text(kind.text())
    converted(tmp_path / "model.txt", "--name", "m", "--version", "1", "--out", str(tmp_path))
    other = Session(tmp_path / "m/1/model.onnx", 5, 1)
    with pytest.raises(BundleError, match=r"wanted the native engine, got: .* rows differ"):
        chosen("native", read, other)
    with caplog.at_level(logging.WARNING):
        assert chosen("auto", read, other).raw is other.raw
    assert "onnxruntime scores it" in caplog.text
    assert "rows differ" in caplog.text


def test_the_setting_chooses_the_engine(read: Opened, session: Session) -> None:
    assert chosen("onnxruntime", read, session).raw is session.raw
    for wanted in ("auto", "native"):
        assert chosen(wanted, read, session).name == "native"


def chosen(wanted: Wanted, read: Opened, session: Session) -> Engine:
    walker = choice.walker_of(read.bundle, read.model)
    return choice.choose(wanted, read.bundle, walker, session, GOLDEN)


def check(cwd: Path, bundle: Path, engine: str) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-m",
        "server",
        "--check",
        "--model",
        str(bundle),
        "--engine",
        engine,
    ]
    return subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )


def test_a_model_it_does_not_score_is_named(tmp_path: Path) -> None:
    """Refused where native is wanted; one line and onnxruntime otherwise."""
    kind = next(kind for kind in KINDS if kind.name == "linear_tree")
    (tmp_path / "model.txt").write_text(kind.text())
    converted(tmp_path / "model.txt", "--name", "m", "--version", "1", "--out", str(tmp_path))
    done = check(ROOT, tmp_path / "m/1", "native")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "wanted the native engine" in done.stderr
    assert "one TreeEnsemble alone" in done.stderr
    done = check(ROOT, tmp_path / "m/1", "auto")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "onnxruntime scores it" in done.stderr
    assert check(ROOT, tmp_path / "m/1", "onnxruntime").stderr == ""


def test_the_committed_model_is_scored_natively() -> None:
    home = ROOT / "models" / "credit-express" / "1"
    assert read_manifest(home / "manifest.json").outputs == 1
    done = check(ROOT, home, "native")
    assert (done.returncode, done.stderr) == (0, "")
