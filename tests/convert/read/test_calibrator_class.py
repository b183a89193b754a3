"""Which class a calibrator's probability is of, and which of its answers are no probability."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from server.bundle.reading import read
from server.bundle.transform import scalar, vector
from tests.calibrated import BAD, CLF, FRAME, RAW, P, classifier
from tests.converting import convert, written

WORDS = np.where(BAD == 1, "bad", "good")
OF_P = ("--calibrator-takes", "probability")


def answers(place: Path, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Raw scores as the server answers them, in a row and one by one."""
    spec = read(place).bundle.manifest.transform
    every, one = vector(spec), scalar(spec)
    values = raw.tolist()
    return np.array([every([x])[0] for x in values]), np.array([one(x) for x in values])


def own(calibrator: Any, x: np.ndarray) -> np.ndarray:
    if isinstance(calibrator, LogisticRegression):
        found: np.ndarray = calibrator.predict_proba(x[:, None])[:, 1]
        return found
    return np.asarray(calibrator.predict(x))


def falling(x: np.ndarray = P) -> IsotonicRegression:
    return IsotonicRegression(out_of_bounds="clip", increasing=False).fit(x, 1 - BAD)


def rising(x: np.ndarray, y: Any) -> IsotonicRegression:
    return IsotonicRegression(out_of_bounds="clip").fit(x, y)


def converted(tmp_path: Path, calibrator: Any, *more: str | Path, form: str = "pickle") -> int:
    (tmp_path / "m.txt").write_text(CLF.booster_.model_to_string())
    file = written(tmp_path / "calibrator", calibrator, form)
    return convert(tmp_path / "m.txt", tmp_path, "--calibrator", file, "--force", *more)


def manifest(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "m/1/manifest.json").read_bytes())


@pytest.mark.parametrize("form", ["pickle", "protocol 2", "joblib", "skops"])
def test_the_classes_of_a_calibrator_are_those_of_the_answer(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrator = LogisticRegression().fit(P[:, None], WORDS)
    assert converted(tmp_path, calibrator, *OF_P, "--threshold", "0.3", form=form) == 2
    assert "the classes are 'bad', 'good': say with --bad CLASS" in capsys.readouterr().err
    more = (*OF_P, "--threshold", "0.3", "--bad", "bad")
    assert converted(tmp_path, calibrator, *more, form=form) == 0
    wanted = 1.0 - own(calibrator, P)
    for each in answers(tmp_path / "m/1", RAW):
        assert each.tobytes() == wanted.tobytes()
    assert np.corrcoef(wanted, BAD)[0, 1] > 0.0
    assert converted(tmp_path, calibrator, *OF_P, form=form) == 0
    assert manifest(tmp_path)["probability_of"] == "good"


FALLING: dict[str, tuple[Any, tuple[str, ...]]] = {
    "isotonic": (falling(), ()),
    "isotonic of raw scores": (falling(RAW), ()),
    "logistic": (LogisticRegression().fit(P[:, None], 1 - BAD), OF_P),
    "logistic of raw scores": (
        LogisticRegression().fit(RAW[:, None], 1 - BAD),
        ("--calibrator-takes", "raw"),
    ),
    "logistic of booleans": (LogisticRegression().fit(P[:, None], BAD == 0), OF_P),
}


@pytest.mark.parametrize("name", FALLING)
def test_a_falling_calibrator_is_refused_unless_it_is_meant(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrator, takes = FALLING[name]
    assert converted(tmp_path, calibrator, *takes) == 2
    assert "the calibrator falls" in capsys.readouterr().err
    meant = (*takes, "--calibrator-of", "0", "--threshold", "0.3", "--bad")
    given = RAW if "raw" in name else P
    assert converted(tmp_path, calibrator, *meant, "1") == 0
    assert answers(tmp_path / "m/1", RAW)[0].tobytes() == (1.0 - own(calibrator, given)).tobytes()
    assert converted(tmp_path, calibrator, *meant, "0") == 0
    assert answers(tmp_path / "m/1", RAW)[0].tobytes() == own(calibrator, given).tobytes()


def test_a_falling_curve_of_a_calibrated_classifier_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = CalibratedClassifierCV(FrozenEstimator(CLF), ensemble=False).fit(FRAME, 1 - BAD)
    assert convert(written(tmp_path / "m.pkl", model, "pickle"), tmp_path) == 2
    assert "the calibrator falls" in capsys.readouterr().err


def test_labels_contradict_a_calibrator_whose_classes_were_mixed_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FRAME.assign(bad=BAD).to_parquet(tmp_path / "rows.parquet")
    more = (*OF_P, "--reference", tmp_path / "rows.parquet", "--label", "bad", "--bad-label", "1")
    mixed_up = np.where(BAD == 1, "good", "bad")
    for labels, code in ((mixed_up, 2), (WORDS, 0)):
        calibrator = LogisticRegression().fit(P[:, None], labels)
        assert converted(tmp_path, calibrator, *more, "--bad", "bad") == code
        assert ("upside down" in capsys.readouterr().err) == (code == 2)


def test_a_curve_behind_named_classes_has_to_say_which_one_it_is_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LightGBM's own is of 'good', the last; the curve may have been fitted on that of 'bad'."""
    model = written(tmp_path / "m.pkl", classifier().fit(FRAME, WORDS), "pickle")
    of_bad = written(tmp_path / "bad.pkl", rising(1 - P, BAD), "pickle")
    for file, more, said in (
        (of_bad, ("--bad", "bad"), "--calibrator-of CLASS"),
        (of_bad, (), "--calibrator-of CLASS"),
        (of_bad, ("--bad", "bad", "--calibrator-of", "bad"), "fit it on that score"),
    ):
        code = convert(model, tmp_path / "out", "--calibrator", file, *more)
        found = capsys.readouterr().err
        assert code == 2
        assert said in found
    good = rising(1 - P, 1 - BAD)
    written(tmp_path / "good.pkl", good, "pickle")
    file, meant = tmp_path / "good.pkl", ("--bad", "bad", "--calibrator-of", "good")
    assert convert(model, tmp_path / "out", "--calibrator", file, *meant) == 0


def test_a_class_said_of_a_calibrator_has_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = LogisticRegression().fit(P[:, None], WORDS)
    for calibrator, of, said in (
        (falling(), "good", "--calibrator-of good: wanted one of 0, 1"),
        (named, "bad", "the calibrator names its own classes, 'bad', 'good'"),
    ):
        assert converted(tmp_path, calibrator, *OF_P, "--calibrator-of", of) == 2
        assert said in capsys.readouterr().err
    assert convert(tmp_path / "m.txt", tmp_path / "out", "--calibrator-of", "0") == 2
    assert "there is no calibrator" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["pickle", "protocol 2", "joblib", "skops"])
def test_a_calibrator_of_other_numbers_is_refused_by_name(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    isotonic = IsotonicRegression(out_of_bounds="clip")
    single = IsotonicRegression(out_of_bounds="clip").fit(P.astype("f4"), BAD.astype("f4"))
    for calibrator, said in (
        (single, "fitted on float32 gives float32"),
        (isotonic.fit(P, BAD * 100.0), "wanted probabilities, 0 to 1"),
    ):
        assert converted(tmp_path, calibrator, form=form) == 2
        assert said in capsys.readouterr().err
    assert converted(tmp_path, isotonic.fit(P, BAD * 2.0 - 1.0), form=form) == 2
    assert "gives -0." in capsys.readouterr().err


@pytest.mark.parametrize("unit", ["ns", "D"])
def test_classes_that_are_dates_are_never_told_as_one(unit: str, tmp_path: Path) -> None:
    days = np.where(BAD == 1, "2024-01-01", "2025-01-01").astype(f"datetime64[{unit}]")
    path = written(tmp_path / "m.pkl", classifier().fit(FRAME, days), "pickle")
    assert convert(path, tmp_path) == 0
    assert not manifest(tmp_path).get("classes")
