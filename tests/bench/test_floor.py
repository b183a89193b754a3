"""The ladder's floor: every loop of floor.c gives LightGBM's bits, and what has none says why."""

import ctypes
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from bench.ladder import measure as ladder
from bench.ladder.floor import Floor, compiled
from bench.workload import models
from server.engine.native.trees import read_trees


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> models.Workload:
    """Two groups of trees and a part of one, for every loop."""
    return models.build(models.Size(53, 15, 60), tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def code() -> ctypes.CDLL:
    return compiled()


def floor_of(code: ctypes.CDLL, workload: models.Workload, features: int) -> Floor:
    trees = read_trees((workload.bundle / "model.onnx").read_bytes())
    return Floor(code, trees, features)


@pytest.mark.parametrize("name", ["seeded", "demo"])
def test_the_floor_gives_lightgbms_bits(
    code: ctypes.CDLL, workload: models.Workload, name: str
) -> None:
    """On ordinary rows, on splits, and with categories that no set holds; a call tries all."""
    measured = workload if name == "seeded" else models.build(models.DEMO)
    X = measured.rows(200)
    odd = X.copy()
    odd[:, : X.shape[1] // 2] += np.resize([-1.5, 0.5, 1e9, 2.0**31, np.nan], X.shape[0])[:, None]
    X = np.concatenate([X, models.on_thresholds(measured.text, X, 3), odd])
    floor = floor_of(code, measured, X.shape[1])
    wanted = np.asarray(lightgbm.Booster(model_file=measured.text).predict(X))
    assert np.array([floor(row) for row in X]).tobytes() == wanted.tobytes()
    taken, scores = floor.time_rows(X)
    assert np.array(scores).tobytes() == wanted.tobytes()
    assert min(taken) >= 0


def test_without_a_compiler_the_floor_is_left_out_with_a_word(
    workload: models.Workload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ladder, "SCRATCH", tmp_path)
    monkeypatch.setenv("CC", "no-such-compiler")
    engines = (ladder.REFERENCE, ladder.FLOOR)
    measured, failed = ladder.measure(workload, 1, 20, engines)
    assert "no C compiler (no-such-compiler)" in failed["error"]
    assert "of_floor" not in measured
