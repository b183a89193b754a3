"""Names as the user has them, and MLflow folders by the form of the file they lead to."""

import json
import pickle
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convert.__main__ import main
from convert.read.loading import load
from convert.read.opening import open_model
from tests.converting import convert

RNG = np.random.default_rng(9)
NAMES = ["years employed", "net income", "debt"]
FRAME = pd.DataFrame(RNG.normal(size=(500, 3)), columns=NAMES)
BAD = (FRAME.debt + RNG.normal(size=500) > 0).astype(int)
CLF = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, verbosity=-1, n_jobs=1).fit(FRAME, BAD)
TEXT = CLF.booster_.model_to_string()
NUMBERED = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, verbosity=-1, n_jobs=1).fit(
    FRAME.to_numpy(), BAD
)


def features(place: Path) -> list[str]:
    described = json.loads((place / "m/1/manifest.json").read_bytes())["features"]
    return [feature["name"] for feature in described]


def mlflow_folder(place: Path, file: str, names: list[str] | None, flavor: str) -> Path:
    """MLmodel as MLflow 3.17.2 writes it, as far as it is read."""
    key = "data" if flavor == "lightgbm" else "pickled_model"
    lines = ["flavors:", f"  {flavor}:", f"    {key}: {file}", "    serialization_format: skops"]
    lines += ["  python_function:", f"    data: {file}", "    loader_module: mlflow.lightgbm"]
    columns = [{"type": "double", "name": name, "required": True} for name in names or []]
    lines += ["signature:", f"  inputs: '{json.dumps(columns)}'"] if names else ["signature: null"]
    (place / "MLmodel").write_text("\n".join([*lines, "mlflow_version: 3.17.2", ""]))
    return place


@pytest.mark.parametrize("flavor", ["lightgbm", "sklearn"])
@pytest.mark.parametrize("model", [CLF, CLF.booster_, NUMBERED])
def test_an_mlflow_folder_leads_to_its_skops_file_and_names(
    flavor: str, model: object, tmp_path: Path
) -> None:
    skops.io.dump(model, tmp_path / "model.skops")
    folder = mlflow_folder(tmp_path, "model.skops", NAMES, flavor)
    assert main(["inspect", str(folder)]) == 0
    assert convert(folder, tmp_path / "out") == 0
    assert features(tmp_path / "out") == NAMES
    manifest = json.loads((tmp_path / "out/m/1/manifest.json").read_bytes())
    assert manifest["source"]["kind"] == "mlflow skops"


@pytest.mark.parametrize("form", ["skops", "pickle", "trusted", "text"])
def test_every_form_in_a_folder_has_the_signatures_names(form: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    if form == "skops":
        skops.io.dump(CLF, path)
    else:
        path.write_bytes(TEXT.encode() if form == "text" else pickle.dumps(CLF))
    folder = mlflow_folder(tmp_path, "model", NAMES, "lightgbm")
    more = ["--trust-pickle"] if form == "trusted" else []
    assert convert(folder, tmp_path / "out", *more) == 0
    assert features(tmp_path / "out") == NAMES


def test_a_pipeline_without_names_of_its_own_has_the_signatures(tmp_path: Path) -> None:
    pipeline = make_pipeline(SimpleImputer(), CLF.__class__(n_estimators=3, verbosity=-1, n_jobs=1))
    skops.io.dump(pipeline.fit(FRAME.to_numpy(), BAD), tmp_path / "model.skops")
    folder = mlflow_folder(tmp_path, "model.skops", NAMES, "sklearn")
    assert convert(folder, tmp_path / "out") == 0
    assert features(tmp_path / "out") == NAMES


def test_a_folder_whose_file_is_no_model_is_told_without_guessing_another_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.skops").write_bytes(b"PK\x03\x04 cut off xgboost_dart_mode lightgbm")
    folder = mlflow_folder(tmp_path, "model.skops", None, "lightgbm")
    assert convert(folder, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "model.skops: wanted a LightGBM model, got: a zip archive, not of skops" in said
    assert "XGBoost" not in said


def test_names_are_those_scikit_learn_was_fitted_on(tmp_path: Path) -> None:
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, CLF.__class__(n_estimators=3, verbosity=-1, n_jobs=1))
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(pipeline.fit(FRAME, BAD)))
    skops.io.dump(pipeline, tmp_path / "m.skops")
    loaded = open_model(tmp_path / "m.pkl")[0]
    assert loaded.model.feature_names == tuple(NAMES)
    assert sum("because LightGBM replaces blanks" in note for note in loaded.notes) == 1
    assert convert(tmp_path / "m.skops", tmp_path) == 0
    assert features(tmp_path) == NAMES


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (["years employed", "net income", "debt"], ["years employed", "net income", "debt"]),
        (["years_employed", "net income", "debt"], ["years_employed", "net income", "debt"]),
        (["years_employed", "net_income", "debt"], ["years_employed", "net_income", "debt"]),
        (["debt", "net income", "years employed"], ["years employed", "net income", "debt"]),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_names_are_those_of_the_columns_that_equal_them_after_the_change(
    columns: list[str], wanted: list[str], form: str, tmp_path: Path
) -> None:
    (tmp_path / "m.txt").write_text(TEXT)
    rows = FRAME.set_axis([name.replace(" ", "_") for name in NAMES], axis=1)
    rows = rows[[name.replace(" ", "_") for name in columns]].set_axis(columns, axis=1)
    rows = rows.assign(bad=BAD)
    path = tmp_path / f"rows.{form}"
    rows.to_csv(path, index=False) if form == "csv" else rows.to_parquet(path)
    assert convert(tmp_path / "m.txt", tmp_path, "--reference", path) == 0
    assert features(tmp_path) == wanted
    sample = pd.read_parquet(tmp_path / "m/1/reference.parquet")
    assert (
        sample.__prediction.to_numpy().tobytes()
        == np.asarray(CLF.booster_.predict(FRAME)).tobytes()
    )


def test_where_two_columns_would_change_into_one_nothing_is_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.txt").write_text(TEXT.replace("years_employed", "a_b_c"))
    both = FRAME.set_axis(["a b_c", "net income", "debt"], axis=1)
    both["a_b c"] = 0.0
    both.to_parquet(tmp_path / "rows.parquet")
    assert convert(tmp_path / "m.txt", tmp_path, "--reference", tmp_path / "rows.parquet") == 2
    assert "a_b_c" in capsys.readouterr().err
    named = both.assign(a_b_c=1.0)
    named.to_parquet(tmp_path / "rows.parquet")
    assert convert(tmp_path / "m.txt", tmp_path, "--reference", tmp_path / "rows.parquet") == 0
    assert features(tmp_path)[0] == "a_b_c"


def test_without_anything_else_the_models_own_names_stay(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text(TEXT)
    assert load(tmp_path / "m.txt").model.feature_names == ("years_employed", "net_income", "debt")
