"""Classes: read wherever they are kept, told, and the probability is of the one that is refused."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from convert.__main__ import main
from convert.read.classes import classes_in_pickle
from convert.read.loading import load

RNG = np.random.default_rng(8)
X = pd.DataFrame(RNG.normal(size=(1200, 2)), columns=["income", "debt"])
BAD = (X.debt - X.income + RNG.normal(size=1200) * 0.8 > 0.8).to_numpy()
WORDS = np.where(BAD, "bad", "good")
SPELT: dict[str, tuple[Any, list[Any]]] = {
    "text": (WORDS, ["bad", "good"]),
    "objects": (WORDS.astype(object), ["bad", "good"]),
    "a pandas category": (pd.Categorical(WORDS), ["bad", "good"]),
    "pandas strings": (pd.Series(WORDS, dtype="string"), ["bad", "good"]),
    "booleans": (BAD, [False, True]),
    "1 and 2": (np.where(BAD, 1, 2), [1, 2]),
    "-1 and 1": (np.where(BAD, -1, 1), [-1, 1]),
    "small integers": (BAD.astype("i1"), [0, 1]),
    "unsigned": (BAD.astype("u2"), [0, 1]),
    "doubles": (np.where(BAD, 1.0, 2.0), [1.0, 2.0]),
    "other letters": (np.where(BAD, "ausfall", "übrige"), ["ausfall", "übrige"]),
    "the other byte order": (np.where(BAD, 1, 2).astype(">i4"), [1, 2]),
    "three": (RNG.choice(["fraud", "bad", "good"], 1200), ["bad", "fraud", "good"]),
}  # fmt: skip


def classifier(labels: Any = WORDS, **options: Any) -> lightgbm.LGBMClassifier:
    made = lightgbm.LGBMClassifier(n_estimators=12, verbose=-1, n_jobs=1, **options)
    return made.fit(X, labels)


@pytest.fixture(scope="module")
def fitted() -> lightgbm.LGBMClassifier:
    return classifier()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    X.assign(outcome=BAD.astype(int), word=WORDS).to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def convert(model: Path, out: Path, *more: object) -> int:
    named = ["--name", "m", "--version", "1", "--out", str(out), "--force"]
    return main([str(model), *named, *map(str, more)])


def manifest_of(out: Path) -> Any:
    return json.loads((out / "m/1/manifest.json").read_bytes())


def dumped(model: Any, by: str) -> bytes:
    if by == "cloudpickle":
        return bytes(cloudpickle.dumps(model))
    if by == "joblib":
        joblib.dump(model, file := io.BytesIO())
        return file.getvalue()
    return pickle.dumps(model, int(by))


@pytest.mark.parametrize("spelt", SPELT)
def test_classes_are_read_from_the_bytes_of_a_pickle(spelt: str) -> None:
    labels, wanted = SPELT[spelt]
    model = classifier(labels)
    for by in ("2", "3", "4", "5", "cloudpickle", "joblib"):
        for around in (model, {"model": model, "columns": ["a"]}, ("v1", [model])):
            found = classes_in_pickle(dumped(around, by))
            assert found is not None, (spelt, by)
            assert [(type(x), x) for x in found] == [(type(x), x) for x in wanted], (spelt, by)


def test_classes_are_read_from_inside_a_pipeline(fitted: lightgbm.LGBMClassifier) -> None:
    around = Pipeline([("scale", StandardScaler().fit(X)), ("model", fitted)])
    columns = ColumnTransformer([("scale", StandardScaler(), ["income"])]).fit(X)
    for pipeline in (around, Pipeline([("columns", columns), ("model", fitted)])):
        for by in ("4", "joblib"):
            assert classes_in_pickle(dumped(pipeline, by)) == ("bad", "good")


def test_a_pickle_without_classes_or_that_is_cut_off_has_none(
    fitted: lightgbm.LGBMClassifier,
) -> None:
    whole = dumped(fitted, "4")
    assert classes_in_pickle(dumped(fitted.booster_, "4")) is None
    assert classes_in_pickle(b"no pickle at all") is None
    for share in (0.1, 0.5, 0.9):
        assert classes_in_pickle(whole[: int(len(whole) * share)]) is None


@pytest.mark.parametrize("form", ["skops", "pkl", "joblib", "joblib.gz", "pipeline", "mlflow"])
def test_inspect_says_which_class_the_probability_is_of(
    form: str, fitted: lightgbm.LGBMClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(fitted, form, tmp_path)
    assert main(["inspect", str(path)]) == 0
    assert "the probability is of 'good' (classes 'bad', 'good')" in capsys.readouterr().out


def saved(model: lightgbm.LGBMClassifier, form: str, folder: Path) -> Path:
    path = folder / f"model.{form}"
    if form == "skops":
        skops.io.dump(model, path)
    elif form == "pipeline":
        skops.io.dump(make_pipeline(StandardScaler(), clone(model)).fit(X, WORDS), path)
    elif form.startswith("joblib"):
        joblib.dump(model, path, compress=form.endswith("gz"))
    elif form == "mlflow":
        path.mkdir()
        (path / "model.pkl").write_bytes(dumped(model, "cloudpickle"))
        (path / "MLmodel").write_text("flavors:\n  sklearn:\n    pickled_model: model.pkl\n")
    else:
        path.write_bytes(dumped(model, "4"))
    return path


@pytest.mark.parametrize("form", ["skops", "pkl", "joblib", "pipeline", "mlflow"])
def test_a_policy_asks_which_class_is_refused(
    form: str, fitted: lightgbm.LGBMClassifier, rows: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = saved(fitted, form, tmp_path)
    reference = ("--reference", rows, "--label", "outcome")
    assert convert(path, tmp_path, *reference, "--threshold", "0.5") == 2
    assert "classes are 'bad', 'good': say with --bad CLASS" in capsys.readouterr().err
    assert convert(path, tmp_path, *reference, "--threshold", "0.5", "--bad", "ugly") == 2
    assert "--bad ugly: wanted one of 'bad', 'good'" in capsys.readouterr().err
    assert convert(path, tmp_path, *reference, "--threshold", "0.5", "--bad", "bad") == 0
    assert "the probability is of 'bad'" in capsys.readouterr().err
    found = manifest_of(tmp_path)
    assert (found["classes"], found["probability_of"]) == (["bad", "good"], "bad")
    assert found["policy"]["refuses"] == "bad"


def test_the_probability_of_either_class_has_the_bits_of_predict_proba(
    fitted: lightgbm.LGBMClassifier, rows: Path, tmp_path: Path
) -> None:
    skops.io.dump(fitted, tmp_path / "m.skops")
    both = np.asarray(fitted.predict_proba(X))
    for column, bad in enumerate(fitted.classes_):
        assert convert(tmp_path / "m.skops", tmp_path, "--reference", rows, "--bad", bad) == 0
        sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
        wanted = np.ascontiguousarray(both[:, column])
        assert sample["__prediction"].to_numpy().tobytes() == wanted.tobytes()
        assert manifest_of(tmp_path)["probability_of"] == bad
    assert (1.0 - both[:, 1]).tobytes() == np.ascontiguousarray(both[:, 0]).tobytes()
    raw = fitted.booster_.predict(X, raw_score=True)
    assert (1.0 / (1.0 + np.exp(raw)) != both[:, 0]).any(), "the other sigmoid has other bits"


def test_a_text_model_takes_either_of_lightgbms_own_classes(
    fitted: lightgbm.LGBMClassifier, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text of a booster names none: 1 is what lgb.train took for positive."""
    fitted.booster_.save_model(tmp_path / "m.txt")
    labelled = ("--reference", rows, "--label", "outcome", "--threshold", "0.5")
    assert convert(tmp_path / "m.txt", tmp_path, *labelled) == 2
    said = capsys.readouterr().err
    assert "AUC 0.0" in said
    assert "--bad 0" in said
    more = ("--bad", "0", "--bad-label", "1")
    assert convert(tmp_path / "m.txt", tmp_path, *labelled, *more) == 0
    assert manifest_of(tmp_path)["probability_of"] == 0
    assert convert(tmp_path / "m.txt", tmp_path, *labelled, "--bad", "bad") == 2
    assert "the file does not name its classes" in capsys.readouterr().err


@pytest.mark.parametrize("label", ["outcome", "word"])
def test_labels_are_classes_or_1_for_bad(
    label: str, fitted: lightgbm.LGBMClassifier, rows: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    skops.io.dump(fitted, tmp_path / "m.skops")
    costs = ("--reference", rows, "--label", label, "--cost-fn", "5", "--cost-fp", "1")
    assert convert(tmp_path / "m.skops", tmp_path, *costs, "--bad", "bad") == 0
    assert "AUC 0.9" in capsys.readouterr().err
    sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
    assert sample["__label"].tolist() == BAD.astype(float).tolist()


def test_scores_that_the_labels_contradict_are_an_error(
    fitted: lightgbm.LGBMClassifier, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skops.io.dump(fitted, tmp_path / "m.skops")
    labelled = ("--reference", rows, "--label", "outcome")
    assert convert(tmp_path / "m.skops", tmp_path, *labelled, "--bad", "good") == 2
    said = capsys.readouterr().err
    assert "upside down" in said
    assert "of 'good' (use --bad bad for the other class)" in said
    assert not (tmp_path / "m").exists()


SPELLINGS = {
    "true and false": BAD,
    "-1 and 1": np.where(BAD, 1, -1),
    "0.0 and 1.0": BAD.astype(float),
    "TRUE and FALSE": np.where(BAD, "TRUE", "FALSE"),
}


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_labels_of_a_text_model_may_be_spelt_otherwise(spelt: str, tmp_path: Path) -> None:
    booster = lightgbm.train({"verbose": -1, "objective": "binary"}, lightgbm.Dataset(X, BAD), 9)
    booster.save_model(tmp_path / "m.txt")
    X.assign(y=SPELLINGS[spelt]).to_parquet(tmp_path / "rows.parquet")
    labelled = ("--reference", tmp_path / "rows.parquet", "--label", "y", "--threshold", "0.3")
    assert convert(tmp_path / "m.txt", tmp_path, *labelled) == 0
    sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
    assert sample["__label"].tolist() == BAD.astype(float).tolist()


@pytest.mark.parametrize(
    "labels", [np.where(BAD, 1, 2), WORDS, np.where(BAD, 0.5, 1), np.where(BAD, "1.5", "0")]
)
def test_labels_that_could_mean_either_are_refused_by_value(
    labels: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    booster = lightgbm.train({"verbose": -1, "objective": "binary"}, lightgbm.Dataset(X, BAD), 9)
    booster.save_model(tmp_path / "m.txt")
    X.assign(y=labels).to_parquet(tmp_path / "rows.parquet")
    labelled = ("--reference", tmp_path / "rows.parquet", "--label", "y", "--threshold", "0.3")
    assert convert(tmp_path / "m.txt", tmp_path, *labelled) == 2
    assert "column y: wanted 1 for bad and 0 for good, got" in capsys.readouterr().err
    bad = str(labels[np.flatnonzero(BAD)[0]])
    assert convert(tmp_path / "m.txt", tmp_path, *labelled, "--bad-label", bad) == 0


def test_labels_of_1_and_2_to_lightgbm_itself_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """lgb.train takes both for positive, and says no error."""
    data = lightgbm.Dataset(X, np.where(BAD, 2, 1))
    lightgbm.train({"verbose": -1, "objective": "binary"}, data, 5).save_model(tmp_path / "m.txt")
    assert convert(tmp_path / "m.txt", tmp_path, "--threshold", "0.5") == 2
    assert "were the labels 1 and 2?" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "m.txt")]) == 0
    assert "were the labels 1 and 2?" in capsys.readouterr().out


@pytest.mark.parametrize("option", [{"is_unbalance": True}, {"scale_pos_weight": 3.0}])
def test_weighted_training_is_told(
    option: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"verbose": -1, "objective": "binary"} | option
    booster = lightgbm.train(options, lightgbm.Dataset(X, BAD), 5)
    booster.save_model(tmp_path / "m.txt")
    assert convert(tmp_path / "m.txt", tmp_path) == 0
    assert f"trained with {next(iter(option))}" in capsys.readouterr().err


def test_weights_of_classes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The booster's text does not hold them."""
    model = classifier(class_weight="balanced")
    for form in ("skops", "pkl"):
        assert main(["inspect", str(saved(model, form, tmp_path))]) == 0
        assert "trained with class_weight" in capsys.readouterr().out


def test_classes_that_cannot_be_read_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pickle whose first opcodes are unknown is not followed; its text is found all the same."""
    (tmp_path / "m.pkl").write_bytes(b"?" + dumped(classifier(), "4"))
    assert main(["inspect", str(tmp_path / "m.pkl")]) == 0
    assert "the classifier's classes cannot be read" in capsys.readouterr().out


def test_one_class_tells_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = classifier(np.full(1200, "good"))
    assert convert(saved(model, "pkl", tmp_path), tmp_path) == 2
    assert "a single class, 'good'" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_calibrated_probability_of_either_class_has_the_bits_of_predict_proba(
    method: str, fitted: lightgbm.LGBMClassifier, rows: Path, tmp_path: Path
) -> None:
    around = CalibratedClassifierCV(FrozenEstimator(fitted), method=method).fit(X, WORDS)
    (tmp_path / "m.pkl").write_bytes(dumped(around, "4"))
    for column, bad in enumerate(("bad", "good")):
        assert convert(tmp_path / "m.pkl", tmp_path, "--reference", rows, "--bad", bad) == 0
        sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
        wanted = np.ascontiguousarray(around.predict_proba(X)[:, column])
        assert sample["__prediction"].to_numpy().tobytes() == wanted.tobytes()


def test_several_classes_are_named_in_the_manifest(tmp_path: Path) -> None:
    labels, wanted = SPELT["three"]
    model = classifier(labels)
    (tmp_path / "m.pkl").write_bytes(dumped(model, "4"))
    assert load(tmp_path / "m.pkl").classes == tuple(wanted)
    assert convert(tmp_path / "m.pkl", tmp_path) == 0
    assert manifest_of(tmp_path)["classes"] == wanted
    assert convert(tmp_path / "m.pkl", tmp_path, "--bad", "bad") == 2


def test_two_classifiers_of_other_classes_are_refused(tmp_path: Path) -> None:
    one, other = classifier(), classifier(np.where(BAD, "x", "y"))
    other._Booster = one._Booster
    (tmp_path / "m.pkl").write_bytes(pickle.dumps([one, other]))
    assert main(["inspect", str(tmp_path / "m.pkl")]) == 2
