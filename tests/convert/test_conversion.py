"""From a trained model's text to a bundle on disk, through the command line, against LightGBM."""

import hashlib
import json
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from convert.__main__ import main


def applicants(rows: int = 1500) -> pd.DataFrame:
    """Rows with text and whole-number categories, missing values and plain numbers."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(10, 1, rows),
            "age": rng.integers(18, 80, rows).astype(float),
            "job": pd.Categorical(rng.choice(["clerk", "cook", "Ärztin", "none"], rows)),
            "sex": pd.Categorical(rng.integers(1, 3, rows)),
        }
    )
    frame.loc[rng.random(rows) < 0.1, "income"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "job"] = np.nan
    odds = 0.05 * (50 - frame.age) + 2.0 * (frame.job == "cook") + frame.income.isna()
    frame["default"] = (odds + rng.normal(0, 1, rows) > 0.5).astype(int)
    return frame


def bits(values: object) -> bytes:
    return np.asarray(values, dtype=np.float64).tobytes()


def train(frame: pd.DataFrame, **parameters: object) -> lightgbm.Booster:
    data = lightgbm.Dataset(frame.drop(columns="default"), frame.default)
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_per_group": 5}
    return lightgbm.train({**options, **parameters}, data, 15)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return applicants()


@pytest.fixture(scope="module")
def booster(frame: pd.DataFrame) -> lightgbm.Booster:
    return train(frame)


@pytest.fixture
def model_file(booster: lightgbm.Booster, tmp_path: Path) -> Path:
    booster.save_model(tmp_path / "model.txt")
    return tmp_path / "model.txt"


@pytest.fixture
def rows_file(frame: pd.DataFrame, tmp_path: Path) -> Path:
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def convert(model: Path, out: Path, *more: object) -> int:
    named = ["--name", "credit", "--version", "1", "--out", str(out)]
    return main([str(model), *named, *map(str, more)])


def test_the_reference_sample_carries_lightgbms_own_bits(
    frame: pd.DataFrame,
    booster: lightgbm.Booster,
    model_file: Path,
    rows_file: Path,
    tmp_path: Path,
) -> None:
    assert convert(model_file, tmp_path, "--reference", rows_file, "--label", "default") == 0
    sample = pyarrow.parquet.read_table(tmp_path / "credit/1/reference.parquet").to_pandas()
    features = frame.drop(columns="default")
    assert sample.__prediction.to_numpy().tobytes() == bits(booster.predict(features))
    raw = booster.predict(features, raw_score=True)
    assert sample.__raw.to_numpy().tobytes() == bits(raw)
    assert sample.__label.tolist() == frame.default.tolist()
    assert sample.job.dropna().tolist() == frame.job.dropna().tolist()


def test_every_file_but_the_manifest_is_hashed_in_it(
    model_file: Path, rows_file: Path, tmp_path: Path
) -> None:
    assert convert(model_file, tmp_path, "--reference", rows_file) == 0
    place = tmp_path / "credit/1"
    hashes = json.loads((place / "manifest.json").read_bytes())["files"]
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in place.iterdir()}
    sums = (f"{found[name]}  {name}\n" for name in sorted(found) if name != "SHA256SUMS")
    assert (place / "SHA256SUMS").read_text() == "".join(sums)
    del found["manifest.json"], found["SHA256SUMS"]
    assert hashes == found
    assert set(found) == {
        "model.onnx", "model.txt", "golden.json", "profile.json", "reference.parquet",
        "verification.md", "covers.bin",
    }  # fmt: skip


def test_the_same_input_gives_the_same_bytes(
    model_file: Path, rows_file: Path, tmp_path: Path
) -> None:
    for out in ("a", "b"):
        assert convert(model_file, tmp_path / out, "--reference", rows_file) == 0
    for one in (tmp_path / "a/credit/1").iterdir():
        assert one.read_bytes() == (tmp_path / "b/credit/1" / one.name).read_bytes(), one.name


def test_golden_rows_hold_lightgbms_scores(
    booster: lightgbm.Booster, model_file: Path, tmp_path: Path
) -> None:
    assert convert(model_file, tmp_path) == 0
    rows = json.loads((tmp_path / "credit/1/golden.json").read_bytes())["rows"]
    X = np.array([row["row"] for row in rows], dtype=np.float64)
    assert np.isnan(X).any()
    raw = np.array([row["raw"][0] for row in rows])
    assert raw.tobytes() == bits(booster.predict(X, raw_score=True))
    prediction = np.array([row["prediction"][0] for row in rows])
    assert prediction.tobytes() == bits(booster.predict(X))


def test_the_manifest_tells_missing_values_and_categories(model_file: Path, tmp_path: Path) -> None:
    assert convert(model_file, tmp_path, "--missing", "impute=40") == 0
    manifest = json.loads((tmp_path / "credit/1/manifest.json").read_bytes())
    income, age, job, sex = manifest["features"]
    assert income["missing"]["policy"] == "trained"
    assert age["missing"] == {
        "trained": False, "allowed": True, "policy": "impute", "value": 40.0,
    }  # fmt: skip
    assert (job["categories"], job["codes"]) == (["clerk", "cook", "none", "Ärztin"], [0, 1, 2, 3])
    assert sex["categories"] == [1, 2]
    assert sex["missing"]["policy"] in {"error", "trained"}
    assert manifest["policy"] is None


def test_a_bundle_is_not_replaced_without_force(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(model_file, tmp_path) == 0
    assert convert(model_file, tmp_path) == 2
    assert "--force" in capsys.readouterr().err
    assert convert(model_file, tmp_path, "--force") == 0


def test_zero_as_missing_is_exact_and_told(frame: pd.DataFrame, tmp_path: Path) -> None:
    booster = train(frame, zero_as_missing=True)
    booster.save_model(tmp_path / "model.txt")
    assert convert(tmp_path / "model.txt", tmp_path) == 0
    manifest = json.loads((tmp_path / "credit/1/manifest.json").read_bytes())
    assert [f["zero_as_missing"] for f in manifest["features"]] == [True, True, False, False]


def test_reference_rows_are_scored_with_the_value_that_stands_in(
    frame: pd.DataFrame, booster: lightgbm.Booster, model_file: Path, tmp_path: Path
) -> None:
    """The threshold and the drift profile are of the scores that will be answered."""
    rows = frame.assign(age=frame.age.where(frame.index % 3 > 0))
    rows.to_parquet(tmp_path / "rows.parquet")
    more = ("--missing", "impute=40", "--reference", tmp_path / "rows.parquet")
    assert convert(model_file, tmp_path, *more) == 0
    sample = pyarrow.parquet.read_table(tmp_path / "credit/1/reference.parquet").to_pandas()
    served = rows.assign(age=rows.age.fillna(40.0)).drop(columns="default")
    assert sample.__prediction.to_numpy().tobytes() == bits(booster.predict(served))
    assert sample.age.isna().tolist() == rows.age.isna().tolist()


def test_reference_values_the_server_would_refuse_are_told(
    frame: pd.DataFrame, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame.assign(age=frame.age.where(frame.index % 3 > 0))
    rows.to_parquet(tmp_path / "rows.parquet")
    assert convert(model_file, tmp_path, "--reference", tmp_path / "rows.parquet") == 0
    assert "age: missing or unseen in 500 of 1500 reference rows" in capsys.readouterr().err


def test_reference_rows_that_do_not_fit_are_refused_by_name(
    frame: pd.DataFrame, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    frame.assign(age=np.where(frame.index == 4, np.inf, frame.age)).to_csv(rows, index=False)
    assert convert(model_file, tmp_path / "out", "--reference", rows) == 2
    assert 'row 5: age: wanted a finite number, got "inf"' in capsys.readouterr().err
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join(f"{line},{line.split(',')[0]}" for line in lines))
    assert convert(model_file, tmp_path / "out", "--reference", rows) == 2
    assert "more than one column income" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_named(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert convert(model_file, tmp_path / "file") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"convert: --out {tmp_path}/file")


def test_costs_are_numbers_above_0(model_file: Path, rows_file: Path, tmp_path: Path) -> None:
    labelled = ("--reference", rows_file, "--label", "default", "--cost-fp", "1", "--cost-fn")
    for cost in ("nan", "inf", "0", "-1"):
        assert convert(model_file, tmp_path, *labelled, cost) == 2
