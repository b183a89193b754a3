"""What stands around the booster is named with its place, and nothing that matters is dropped."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from convert.__main__ import main
from convert.errors import OptionError
from convert.read.loading import load
from convert.read.opening import open_model
from tests.converting import convert

RNG = np.random.default_rng(5)
X = RNG.normal(size=(400, 3))
Y = (X[:, 0] + RNG.normal(size=400) > 0).astype(int)
ROUNDS = 8


class Own(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step of somebody's own."""

    def fit(self, X: Any, y: Any = None) -> "Own":
        return self

    def transform(self, X: Any) -> Any:
        return X * 3


class Wrapper:
    """Holds a model, and does who knows what with its answer."""

    def __init__(self, model: object) -> None:
        self.model = model


class Calibrator:
    """A second class of the same module."""


def squared(X: Any) -> Any:
    return X**2


def classifier(**more: Any) -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(
        n_estimators=ROUNDS, num_leaves=5, verbosity=-1, n_jobs=1, **more
    )


CLF = classifier().fit(X, Y)
HERE = __name__


def pipeline(*steps: Any) -> Pipeline:
    return make_pipeline(*steps, classifier()).fit(X, Y)


def isotonic() -> IsotonicRegression:
    return IsotonicRegression(out_of_bounds="clip").fit(CLF.booster_.predict(X), Y)


MATTERS: dict[str, tuple[Any, str]] = {
    "an own step": (pipeline(Own()), f"{HERE}.Own at .steps[0][1], before the booster"),
    "an own step beside a known one": (
        pipeline(StandardScaler(), Own()),
        f"StandardScaler at .steps[0][1], before the booster; {HERE}.Own at .steps[1][1], before",
    ),
    "an own function": (
        pipeline(FunctionTransformer(squared)),
        f"{HERE}.squared at .steps[0][1].func, before the booster",
    ),
    "a step": (pipeline(PowerTransformer()), "PowerTransformer at .steps[0][1], before"),
    "nested steps": (
        pipeline(make_pipeline(StandardScaler(), SelectKBest(k=2))),
        "SelectKBest at .steps[0][1].steps[1][1], before the booster",
    ),
    "a calibrator beside": (
        {"model": CLF, "calibrator": isotonic()},
        "IsotonicRegression at ['calibrator'], beside the booster",
    ),
    "a step of a list": ([StandardScaler().fit(X), CLF], "StandardScaler at [0], beside"),
    "an own class around": (Wrapper(CLF), f"{HERE}.Wrapper, around the booster"),
    "two classes of one module": (
        {"a": Wrapper(CLF), "b": Calibrator()},
        f"{HERE}.Wrapper at ['a'], around the booster; {HERE}.Calibrator at ['b'], beside",
    ),
    "a target transformed": (
        TransformedTargetRegressor(
            lightgbm.LGBMRegressor(n_estimators=2, verbosity=-1, n_jobs=1), func=np.log1p,
            inverse_func=np.expm1,
        ).fit(X, Y),
        "TransformedTargetRegressor, around the booster",
    ),
    "another threshold": (
        FixedThresholdClassifier(FrozenEstimator(CLF), threshold=0.3).fit(X, Y),
        "FixedThresholdClassifier, around the booster",
    ),
    "a search over a pipeline": (
        GridSearchCV(
            Pipeline([("s", StandardScaler()), ("m", classifier())]), {"m__num_leaves": [4]}, cv=2
        ).fit(X, Y),
        "StandardScaler at .best_estimator_.steps[0][1], before the booster",
    ),
    "joblib": (pipeline(Own()), f"{HERE}.Own at .steps[0][1], before the booster"),
}  # fmt: skip


def written(path: Path, model: object, name: str) -> Path:
    if "joblib" in name:
        joblib.dump(model, path)
    else:
        path.write_bytes(pickle.dumps(model))
    return path


@pytest.mark.parametrize("name", MATTERS)
def test_what_may_change_the_answer_is_named_with_its_place_and_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, said = MATTERS[name]
    path = written(tmp_path / "m.pkl", model, name)
    assert convert(path, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert said in told
    assert "--booster-alone" in told
    assert not (tmp_path / "out").exists()
    assert main(["inspect", str(path)]) == 0
    assert said.rpartition("; ")[2].partition(" at ")[0] in capsys.readouterr().out


HARMLESS: dict[str, Any] = {
    "a classifier": CLF,
    "a booster": CLF.booster_,
    "a pipeline of one": pipeline(),
    "a search": GridSearchCV(classifier(), {"num_leaves": [4]}, cv=StratifiedKFold(2)).fit(X, Y),
    "frozen": FrozenEstimator(CLF),
    "names beside": {"model": CLF, "features": ["a", "b", "c"], "threshold": 0.3},
    "a table beside": (CLF, pd.DataFrame({"a": [1, 2]}), np.arange(3)),
    "the standard library's": {"model": CLF, "path": Path("a"), "set": {1}, "raw": io.BytesIO(b"")},
    "classes of text": classifier().fit(X, np.where(Y, "bad", "good")),
    "joblib": pipeline(),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_no_answer_converts(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "m.pkl", HARMLESS[name], name)
    assert convert(path, tmp_path / "out") == 0
    manifest = json.loads((tmp_path / "out/m/1/manifest.json").read_bytes())
    assert manifest["source"]["steps_before"] == []


def test_the_booster_alone_is_taken_where_somebody_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "m.pkl", pipeline(StandardScaler(), Own()), "")
    assert convert(path, tmp_path, "--booster-alone") == 0
    manifest = json.loads((tmp_path / "m/1/manifest.json").read_bytes())
    assert manifest["source"]["steps_before"] == ["StandardScaler", "Own"]


def stopped(best: int) -> lightgbm.Booster:
    booster: lightgbm.Booster = pickle.loads(pickle.dumps(CLF.booster_))
    booster.best_iteration = best
    return booster


@pytest.mark.parametrize(
    ("container", "rounds"),
    [
        ({"best_iteration": 7, "model": stopped(-1)}, ROUNDS),
        ({"best_iteration": 7, "model": stopped(5)}, 5),
        ({"model": stopped(5), "best_iteration": 7}, 5),
        ([{"best_iteration": 3}, stopped(0)], ROUNDS),
        ((stopped(4), {"best_iteration": 6}), 4),
        ({"params": {"best_iteration": 2}, "model": CLF}, ROUNDS),
        ({"best_iteration": 3, "model": stopped(300)}, ROUNDS),
        (stopped(5), 5),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_only_the_boosters_own_early_stopping_counts(
    container: object, rounds: int, protocol: int, tmp_path: Path
) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(container, protocol=protocol))
    assert load(path).model.iterations == rounds


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"best_iteration": 6, "text": CLF.booster_.model_to_string()}),
        pickle.dumps([stopped(6), stopped(-1)]),
        pickle.dumps([stopped(6), stopped(5)]),
        b"not a pickle: " + pickle.dumps({"best_iteration": 6, "model": CLF.booster_}),
    ],
)
def test_where_it_cannot_be_told_both_are_said_and_asked_for(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "m.pkl").write_bytes(content)
    with pytest.raises(OptionError, match=r"choose with --num-iteration \d or \d"):
        load(tmp_path / "m.pkl")
    assert load(tmp_path / "m.pkl", 6).model.iterations == 6
    assert load(tmp_path / "m.pkl", ROUNDS).model.iterations == ROUNDS


@pytest.mark.parametrize("form", ["pickle", "trusted", "skops"])
def test_an_estimator_that_stops_early_in_predict_is_told(form: str, tmp_path: Path) -> None:
    stops = classifier(pred_early_stop=True).fit(X, Y)
    for model, told in ((stops, True), (CLF, False)):
        path = written(tmp_path / "m.pkl", model, "")
        if form == "skops":
            skops.io.dump(model, path)
        loaded, _ = open_model(path, trust_pickle=form == "trusted")
        assert any("pred_early_stop" in note for note in loaded.notes) == told


def test_a_calibrator_over_several_models_is_refused_by_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several = CalibratedClassifierCV(classifier(), cv=2).fit(X, Y)
    assert convert(written(tmp_path / "m.pkl", several, ""), tmp_path) == 2
    assert "CalibratedClassifierCV over 2 models" in capsys.readouterr().err


def test_only_an_xgboost_model_is_called_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LightGBM's own list of parameters holds `xgboost_dart_mode`."""
    text = CLF.booster_.model_to_string()
    (tmp_path / "m").write_text(text.replace("tree\n", "trees\n", 1))
    assert "xgboost_dart_mode" in text
    assert convert(tmp_path / "m", tmp_path) == 2
    assert "XGBoost" not in capsys.readouterr().err
    (tmp_path / "m").write_bytes(b"binf" + bytes(100))
    assert convert(tmp_path / "m", tmp_path) == 2
    assert "an XGBoost model" in capsys.readouterr().err
