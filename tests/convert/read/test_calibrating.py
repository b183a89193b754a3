"""Calibrated models: scikit-learn's probabilities, to the bit, from every container."""

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from monitoring.bundle.manifest import read_manifest as replayed_manifest
from monitoring.bundle.transform import scalar as replayed
from server.bundle.reading import read
from server.bundle.transform import scalar, vector
from tests.calibrated import BAD, CLF, FRAME, RAW, RNG, P, classifier
from tests.converting import convert, written


def wrapped(method: str, estimator: Any = None, **more: Any) -> CalibratedClassifierCV:
    estimator = FrozenEstimator(CLF) if estimator is None else estimator
    return CalibratedClassifierCV(estimator, method=method, **more).fit(FRAME, BAD)


WRAPPED: dict[str, CalibratedClassifierCV] = {
    "sigmoid, frozen": wrapped("sigmoid"),
    "isotonic, frozen": wrapped("isotonic"),
    "sigmoid, cv": wrapped("sigmoid", classifier(), ensemble=False, cv=3),
    "isotonic, cv": wrapped("isotonic", classifier(), ensemble=False, cv=3),
    "isotonic, two knots": CalibratedClassifierCV(FrozenEstimator(CLF), method="isotonic").fit(
        FRAME.head(60), BAD.head(60)
    ),
}


def answers(place: Path, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raw scores as the server answers them, in a row and one by one, and the replay."""
    bundle = read(place).bundle
    spec = bundle.manifest.transform
    every, one = vector(spec), scalar(spec)
    again = replayed(replayed_manifest(place).transform)
    return (
        np.array([every([x])[0] for x in raw.tolist()]),
        np.array([one(x) for x in raw.tolist()]),
        np.array([again(x) for x in raw.tolist()]),
    )


@pytest.mark.parametrize("form", ["pickle", "protocol 2", "joblib", "skops", "trusted"])
@pytest.mark.parametrize("name", WRAPPED)
def test_a_calibrated_model_answers_with_scikit_learns_bits(
    name: str, form: str, tmp_path: Path
) -> None:
    model = WRAPPED[name]
    path = written(tmp_path / "m", model, form)
    more: list[str | Path] = ["--trust-pickle"] if form == "trusted" else []
    FRAME.assign(bad=BAD).to_parquet(tmp_path / "rows.parquet")
    more += ["--reference", tmp_path / "rows.parquet", "--label", "bad"]
    assert convert(path, tmp_path / "out", "--bad", "1", "--threshold", "0.3", *more) == 0
    place = tmp_path / "out/m/1"
    sample = pd.read_parquet(place / "reference.parquet")
    wanted = model.predict_proba(FRAME)[:, 1]
    assert sample.__prediction.to_numpy().tobytes() == wanted.tobytes()
    golden = json.loads((place / "golden.json").read_bytes())["rows"]
    rows_seen = np.array([row["row"] for row in golden], dtype=float)
    names = pd.DataFrame(rows_seen, columns=FRAME.columns)
    found = np.array([row["prediction"][0] for row in golden])
    assert found.tobytes() == model.predict_proba(names)[:, 1].tobytes()


@pytest.mark.parametrize("name", WRAPPED)
def test_server_and_replay_answer_the_same_bits(name: str, tmp_path: Path) -> None:
    model = WRAPPED[name]
    inner = model.calibrated_classifiers_[0].estimator
    assert convert(written(tmp_path / "m.pkl", model, "pickle"), tmp_path, "--bad", "1") == 0
    for each in answers(tmp_path / "m/1", np.asarray(inner.predict(FRAME, raw_score=True))):
        assert each.tobytes() == model.predict_proba(FRAME)[:, 1].tobytes()


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_calibrator_from_before_lightgbm_4_7_takes_the_probability(
    method: str, frozen: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until then the estimator had no `decision_function`; scikit-learn now gives it raw scores."""
    estimator = classifier().fit(FRAME, BAD)
    del estimator.__dict__["_fitted_with_feature_names"]
    model = wrapped(method, FrozenEstimator(estimator))
    curve = model.calibrated_classifiers_[0].calibrators[0].fit(P, BAD)
    if not frozen:
        model.calibrated_classifiers_[0].estimator = estimator
    path = written(tmp_path / "m.pkl", model, "pickle")
    more = []
    if frozen and method == "sigmoid":
        assert convert(path, tmp_path, "--bad", "1") == 2
        assert "--calibrator-takes" in capsys.readouterr().err
        more = ["--calibrator-takes", "probability"]
    assert convert(path, tmp_path, "--bad", "1", *more) == 0
    assert "over LightGBM's probability" in capsys.readouterr().err
    for each in answers(tmp_path / "m/1", RAW):
        assert each.tobytes() == curve.predict(P).tobytes()


BARE: dict[str, tuple[Any, str]] = {
    "isotonic": (IsotonicRegression(out_of_bounds="clip").fit(P, BAD), "probability"),
    "isotonic of raw scores": (IsotonicRegression(out_of_bounds="clip").fit(RAW, BAD), "raw"),
    "isotonic, falling": (
        IsotonicRegression(out_of_bounds="clip", increasing=False).fit(P, 1 - BAD),
        "probability",
    ),
    "isotonic, one knot": (
        IsotonicRegression(out_of_bounds="clip").fit([0.5], [0.25]),
        "probability",
    ),
    "logistic": (LogisticRegression().fit(P[:, None], BAD), "probability"),
    "logistic of raw scores": (LogisticRegression(C=0.1).fit(RAW[:, None], BAD), "raw"),
    "sigmoid": (_SigmoidCalibration().fit(P, BAD), "probability"),
    "sigmoid of raw scores": (_SigmoidCalibration().fit(RAW, BAD), "raw"),
}


def own(calibrator: Any, x: np.ndarray) -> np.ndarray:
    if isinstance(calibrator, LogisticRegression):
        found: np.ndarray = calibrator.predict_proba(x[:, None])[:, 1]
        return found
    return np.asarray(calibrator.predict(x))


@pytest.mark.parametrize("form", ["pickle", "joblib", "skops"])
@pytest.mark.parametrize("name", BARE)
def test_a_bare_calibrator_stands_behind_the_model(name: str, form: str, tmp_path: Path) -> None:
    calibrator, takes = BARE[name]
    file = written(tmp_path / "calibrator", calibrator, form)
    (tmp_path / "m.txt").write_text(CLF.booster_.model_to_string())
    more = [] if "isotonic" in name else ["--calibrator-takes", takes]
    more += ["--calibrator-of", "0"] if "falling" in name else []
    assert convert(tmp_path / "m.txt", tmp_path, "--calibrator", file, *more) == 0
    wanted = own(calibrator, RAW if takes == "raw" else P)
    for each in answers(tmp_path / "m/1", RAW):
        assert each.tobytes() == wanted.tobytes()


def test_every_knot_and_its_neighbours_have_scikit_learns_bits(tmp_path: Path) -> None:
    """Over the raw score, so that the knots themselves can be asked for."""
    calibrator, _ = BARE["isotonic of raw scores"]
    file = written(tmp_path / "calibrator", calibrator, "pickle")
    (tmp_path / "m.txt").write_text(CLF.booster_.model_to_string())
    assert convert(tmp_path / "m.txt", tmp_path, "--calibrator", file) == 0
    spec = read(tmp_path / "m/1").bundle.manifest.transform
    knots = calibrator.X_thresholds_
    tried = np.concatenate(
        [knots, np.nextafter(knots, 9e9), np.nextafter(knots, -9e9), [0.0, -0.0, 1e300, -1e300]]
    )
    wanted = calibrator.predict(tried)
    assert np.array([scalar(spec)(x) for x in tried.tolist()]).tobytes() == wanted.tobytes()
    again = replayed(replayed_manifest(tmp_path / "m/1").transform)
    assert np.array([again(x) for x in tried.tolist()]).tobytes() == wanted.tobytes()


def test_the_other_class_is_scikit_learns_first_column(tmp_path: Path) -> None:
    model = WRAPPED["isotonic, frozen"]
    assert convert(written(tmp_path / "m.pkl", model, "pickle"), tmp_path, "--bad", "0") == 0
    wanted = model.predict_proba(FRAME)[:, 0]
    for each in answers(tmp_path / "m/1", RAW):
        assert each.tobytes() == wanted.tobytes()


def test_a_calibrator_beside_its_model_is_taken_from_the_same_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrator, _ = BARE["isotonic"]
    path = written(tmp_path / "m.pkl", {"model": CLF, "calibrator": calibrator}, "pickle")
    assert convert(path, tmp_path) == 2
    assert "--calibrator" in capsys.readouterr().err
    assert convert(path, tmp_path, "--calibrator", path, "--bad", "1") == 0
    assert answers(tmp_path / "m/1", RAW)[0].tobytes() == own(calibrator, P).tobytes()


def test_a_calibrated_pipeline_brings_its_steps(tmp_path: Path) -> None:
    pipeline = make_pipeline(SimpleImputer(), classifier())
    for name, model in {
        "around": CalibratedClassifierCV(pipeline, ensemble=False, cv=3).fit(FRAME, BAD),
        "inside": make_pipeline(
            SimpleImputer(), CalibratedClassifierCV(classifier(), ensemble=False, cv=3)
        ).fit(FRAME, BAD),
    }.items():
        path = written(tmp_path / f"{name}.skops", model, "skops")
        assert convert(path, tmp_path / name) == 0
        place = tmp_path / name / "m/1"
        golden = json.loads((place / "golden.json").read_bytes())["rows"]
        rows = pd.DataFrame([row["row"] for row in golden], columns=FRAME.columns, dtype=float)
        found = np.array([row["prediction"][0] for row in golden])
        assert found.tobytes() == model.predict_proba(rows)[:, 1].tobytes()


THREE = RNG.integers(0, 3, 1500)
REFUSED: dict[str, tuple[Any, str]] = {
    "several models": (
        CalibratedClassifierCV(classifier(), cv=3).fit(FRAME, BAD),
        "CalibratedClassifierCV over 3 models",
    ),
    "temperature": (
        wrapped("temperature", classifier(), ensemble=False, cv=3),
        "_TemperatureScaling",
    ),
    "three classes": (
        CalibratedClassifierCV(classifier(), ensemble=False, cv=3).fit(FRAME, THREE),
        "CalibratedClassifierCV with 3 of _SigmoidCalibration",
    ),
}


@pytest.mark.parametrize("form", ["pickle", "skops", "trusted"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_carried_is_refused_by_name(
    name: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, said = REFUSED[name]
    more = ["--trust-pickle"] if form == "trusted" else []
    assert convert(written(tmp_path / "m.pkl", model, form), tmp_path, *more) == 2
    assert said in capsys.readouterr().err


def test_a_calibrator_that_cannot_be_followed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.txt").write_text(CLF.booster_.model_to_string())
    regressor = lightgbm.LGBMRegressor(n_estimators=3, verbosity=-1, n_jobs=1).fit(FRAME, BAD)
    (tmp_path / "r.txt").write_text(regressor.booster_.model_to_string())
    clipped, _ = BARE["isotonic"]
    cases: list[tuple[Any, str, str, list[str]]] = [
        (IsotonicRegression().fit(P, BAD), "out_of_bounds='nan'", "m.txt", []),
        (IsotonicRegression(out_of_bounds="raise").fit(P, BAD), "'raise'", "m.txt", []),
        (LogisticRegression().fit(P[:, None], BAD), "--calibrator-takes", "m.txt", []),
        (LogisticRegression().fit(FRAME, BAD), "of 3 columns", "m.txt", []),
        ({"a": 1}, "_SigmoidCalibration, got none", "m.txt", []),
        ([clipped, LogisticRegression().fit(P[:, None], BAD)], "got Isotonic", "m.txt", []),
        (IsotonicRegression(out_of_bounds="clip"), "damaged", "m.txt", []),
        (clipped, "a calibrator for objective regression", "r.txt", []),
        (clipped, "already has a calibrator", "w.pkl", []),
    ]
    written(tmp_path / "w.pkl", WRAPPED["sigmoid, frozen"], "pickle")
    for calibrator, said, model, more in cases:
        file = written(tmp_path / "calibrator.pkl", calibrator, "pickle")
        assert convert(tmp_path / model, tmp_path / "out", "--calibrator", file, *more) == 2
        assert said in capsys.readouterr().err
    for odd in (b"", b"abc", bytes(10_000)):
        (tmp_path / "odd.pkl").write_bytes(odd)
        assert (
            convert(tmp_path / "m.txt", tmp_path / "out", "--calibrator", tmp_path / "odd.pkl") == 2
        )


def test_the_curve_stands_in_both_folders_the_same() -> None:
    root = Path(__file__).parents[3]
    one = (root / "server/bundle/calibrator.py").read_bytes()
    assert one == (root / "monitoring/bundle/calibrator.py").read_bytes()
