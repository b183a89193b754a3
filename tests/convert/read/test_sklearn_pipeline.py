"""Pipeline steps carried into the graph: scikit-learn's own answer, bit for bit."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from convert.__main__ import main
from tests.converting import convert


def applicants(rows: int = 800) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(10, 1, rows),
            "age": rng.integers(18, 80, rows).astype(float),
            "debt": rng.normal(0, 1000, rows),
            "job": pd.Series(rng.choice(["cook", "clerk", "Ärztin"], rows), dtype=object),
            "city": rng.integers(1, 6, rows).astype(float),
        }
    )
    frame.loc[rng.random(rows) < 0.1, "income"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "job"] = np.nan
    return frame


FRAME = applicants()
DEFAULT = ((FRAME.age < 40) ^ (FRAME.job == "cook") ^ FRAME.income.isna()).astype(int)


def lambda_free(X: Any) -> Any:
    return X + 1


def classifier() -> lightgbm.LGBMClassifier:
    return lightgbm.LGBMClassifier(n_estimators=15, num_leaves=7, verbosity=-1, n_jobs=1)


def numbers(*steps: Any) -> Pipeline:
    return make_pipeline(*steps, classifier()).fit(FRAME[["income", "age", "debt"]], DEFAULT)


def mixed(**one_hot: Any) -> Pipeline:
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(**one_hot))
    number = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    steps = [
        ("t", text, ["job"]),
        ("n", number, ["debt", "income"]),
        ("c", OrdinalEncoder(), ["city"]),
    ]
    transformer = ColumnTransformer(steps, remainder="passthrough")
    return make_pipeline(transformer, classifier()).fit(FRAME, DEFAULT)


def encoded(encoder: Any, columns: list[str]) -> Pipeline:
    transformer = ColumnTransformer([("e", encoder, columns)], remainder="passthrough")
    frame = FRAME.assign(job=FRAME.job.fillna("none"))
    return make_pipeline(transformer, classifier()).fit(frame, DEFAULT)


def missing(encoder: Any, kind: object = np.nan) -> Pipeline:
    """Encode columns that have missing values in training."""
    job = FRAME.job.where(FRAME.job.notna(), kind)
    transformer = ColumnTransformer([("e", encoder, ["job", "city"])], remainder="passthrough")
    return make_pipeline(transformer, classifier()).fit(FRAME.assign(job=job), DEFAULT)


NONE_JOB = FRAME.job.where(FRAME.job.notna(), None)
TRAINED_ON_NONE = {"one-hot, missing dropped", "one-hot, missing is None", "ordinal, missing is -2"}
EXACT = (np.absolute, np.ceil, np.floor, np.negative, np.rint, np.sign, np.square)


def applied(function: Any) -> Callable[[], Pipeline]:
    return lambda: numbers(FunctionTransformer(function))


def unknown(value: float) -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=value)


PIPELINES: dict[str, Callable[[], Pipeline]] = {
    "one-hot, missing a category": lambda: missing(OneHotEncoder()),
    "one-hot, missing dropped": lambda: missing(OneHotEncoder(drop=[None, 3.0]), None),
    "one-hot, missing is None": lambda: missing(OneHotEncoder(), None),
    "one-hot, unknown ignored too": lambda: missing(OneHotEncoder(handle_unknown="ignore")),
    "ordinal, missing a category": lambda: missing(OrdinalEncoder()),
    "ordinal, missing is -2": lambda: missing(OrdinalEncoder(encoded_missing_value=-2), None),
    "ordinal, unknown too": lambda: missing(unknown(-1)),
    "target, missing a category": lambda: missing(TargetEncoder(cv=2)),
    "robust": lambda: numbers(RobustScaler()),
    "robust, not centred": lambda: numbers(RobustScaler(with_centering=False, unit_variance=True)),
    "robust, not scaled": lambda: numbers(RobustScaler(with_scaling=False)),
    "max-abs": lambda: numbers(MaxAbsScaler()),
    "imputer with indicator": lambda: numbers(SimpleImputer(add_indicator=True)),
    "indicator, scaler": lambda: numbers(SimpleImputer(add_indicator=True), StandardScaler()),
    "ordinal, unknown -1": lambda: encoded(unknown(-1), ["job", "city"]),
    "ordinal, unknown nan": lambda: encoded(unknown(np.nan), ["job", "city"]),
    "target": lambda: encoded(TargetEncoder(cv=2), ["job", "city"]),
    "target of numbers": lambda: make_pipeline(
        ColumnTransformer([("e", TargetEncoder(cv=2, smooth=3.5), ["city"])], remainder="drop"),
        classifier(),
    ).fit(FRAME[["city", "age"]], DEFAULT),
    **{f"function {each.__name__}": applied(each) for each in EXACT},
    "function sqrt": lambda: numbers(FunctionTransformer(np.abs), FunctionTransformer(np.sqrt)),
    "imputer": lambda: numbers(SimpleImputer()),
    "scaler": lambda: numbers(StandardScaler()),
    "scaler without mean": lambda: numbers(StandardScaler(with_mean=False)),
    "min-max": lambda: numbers(MinMaxScaler()),
    "min-max clipped": lambda: numbers(MinMaxScaler((-1, 1), clip=True)),
    "imputer, scaler": lambda: numbers(SimpleImputer(strategy="median"), StandardScaler()),
    "imputer, select": lambda: numbers(SimpleImputer(), SelectKBest(k=2)),
    "columns": lambda: mixed(),
    "columns, unknown ignored": lambda: mixed(handle_unknown="ignore"),
    "columns, first dropped": lambda: mixed(drop="first"),
}


def as_the_model_sees_them(frame: pd.DataFrame, features: list[dict[str, Any]]) -> np.ndarray:
    columns = []
    for feature in features:
        column = frame[feature["name"]]
        if feature["type"] == "category":
            codes = dict(zip(feature["categories"], feature["codes"], strict=True))
            column = pd.Series([codes.get(value, np.nan) for value in column], dtype=float)
        columns.append(column.to_numpy(dtype=np.float64))
    return np.column_stack(columns)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_skops_pipeline_answers_with_its_own_bits(name: str, tmp_path: Path) -> None:
    pipeline = PIPELINES[name]()
    skops.io.dump(pipeline, tmp_path / "m.skops")
    assert convert(tmp_path / "m.skops", tmp_path) == 0
    place = tmp_path / "m/1"
    manifest = json.loads((place / "manifest.json").read_bytes())
    assert manifest["source"] == {"kind": "skops", "steps_before": []}
    names = [feature["name"] for feature in manifest["features"]]
    assert names == pipeline.feature_names_in_.tolist()
    X = as_the_model_sees_them(FRAME, manifest["features"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(place / "model.onnx", options)
    raw = session.run(None, {"X": X})[0]
    frame = FRAME.assign(job=NONE_JOB) if name in TRAINED_ON_NONE else FRAME
    wanted = pipeline.predict(frame[names], raw_score=True)
    assert raw[:, 0].tobytes() == wanted.tobytes()


def test_a_split_that_only_parts_missing_values_is_no_sign_of_another_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """LightGBM parts missing from present at 1e-35, the edge of 0's own bin, whatever the range."""
    income = FRAME[["income", "age"]]
    model = classifier().fit(income, (income.income.isna() | (income.age < 30)).astype(int))
    frame = model.booster_.trees_to_dataframe()
    assert (frame.threshold == 1.0000000180025095e-35).any()
    assert income.income.min() > 1
    (tmp_path / "m.txt").write_text(model.booster_.model_to_string())
    assert main(["inspect", str(tmp_path / "m.txt")]) == 0
    assert "not those of training" not in capsys.readouterr().out
    assert convert(tmp_path / "m.txt", tmp_path / "b") == 0
    manifest = json.loads((tmp_path / "b/m/1/manifest.json").read_bytes())
    assert manifest["features"][0]["seen"]["min"] == income.income.min()


def test_a_trusted_pickle_carries_its_steps_and_an_untrusted_one_does_not(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(numbers(SimpleImputer(), StandardScaler())))
    assert convert(tmp_path / "m.pkl", tmp_path / "a", "--trust-pickle") == 0
    carried = json.loads((tmp_path / "a/m/1/manifest.json").read_bytes())
    assert [feature["name"] for feature in carried["features"]] == ["income", "age", "debt"]
    assert carried["features"][0]["missing"]["policy"] == "trained"
    assert convert(tmp_path / "m.pkl", tmp_path / "b") == 2
    assert convert(tmp_path / "m.pkl", tmp_path / "b", "--booster-alone") == 0
    alone = json.loads((tmp_path / "b/m/1/manifest.json").read_bytes())
    assert alone["source"]["steps_before"] == ["SimpleImputer", "StandardScaler"]


def test_reference_rows_go_through_the_steps(tmp_path: Path) -> None:
    pipeline = mixed(handle_unknown="ignore")
    skops.io.dump(pipeline, tmp_path / "m.skops")
    FRAME.assign(default=DEFAULT).to_csv(tmp_path / "rows.csv", index=False)
    rows = ["--reference", str(tmp_path / "rows.csv"), "--label", "default", "--bad", "1"]
    assert convert(tmp_path / "m.skops", tmp_path, *rows, "--cost-fn", "5", "--cost-fp", "1") == 0
    sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
    wanted = pipeline.predict_proba(FRAME)[:, 1]
    assert sample.__prediction.to_numpy().tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (PowerTransformer(), "PowerTransformer"),
        (FunctionTransformer(np.log1p), "FunctionTransformer with log1p"),
        (FunctionTransformer(lambda_free), "FunctionTransformer with lambda_free"),
        (FunctionTransformer(np.sqrt, kw_args={"where": True}), "FunctionTransformer with sqrt"),
        (SimpleImputer(missing_values=-1), "with missing_values=-1"),
    ],
)
def test_a_step_that_is_not_carried_exactly_is_refused_by_name(
    step: Any, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = make_pipeline(SimpleImputer(), step, classifier())
    pipeline.fit(FRAME[["income", "age"]], DEFAULT)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(pipeline))
    assert convert(tmp_path / "m.pkl", tmp_path, "--trust-pickle") == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_trusted_dict_of_parts_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"scaler": StandardScaler(), "threshold": 0.2}))
    assert convert(tmp_path / "m.pkl", tmp_path, "--trust-pickle") == 2
    said = capsys.readouterr().err
    assert "got dict with 'scaler', 'threshold': save the Pipeline itself" in said
    assert "leave out --trust-pickle" in said
