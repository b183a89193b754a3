"""What a user is told whose options or files do not fit, and the way out."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from convert.__main__ import main

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {"a": RNG.normal(size=600), "c": pd.Categorical(RNG.choice(["1", "2", "3"], 600))}
)
BAD = (ROWS.a + RNG.normal(size=600) > 1).astype(int)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.txt"
    booster = lgb.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1}, lgb.Dataset(ROWS, BAD), 5
    )
    booster.save_model(path)
    return path


def said(model: Path, out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    arguments = [str(model), "--name", "m", "--version", "1", "--out", str(out), *options]
    assert main(arguments) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("option", ["--threshold", "--cost-fn", "--refer-from"])
def test_a_decimal_comma_is_explained(
    option: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(model, tmp_path, capsys, option, "0,3")
    assert told == f"convert: {option}: wanted a number, got '0,3': write 0.3\n"


def test_another_separator_is_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False, sep=";")
    told = said(model, tmp_path, capsys, "--reference", str(tmp_path / "rows.csv"))
    assert "no column a, c; 2 absent; its columns are separated by semicolons" in told


def test_numbers_where_the_model_lists_texts_are_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ROWS.assign(c=ROWS.c.astype(int)).to_parquet(tmp_path / "rows.parquet")
    told = said(model, tmp_path, capsys, "--reference", str(tmp_path / "rows.parquet"))
    assert "c holds numbers where a list holds texts: write texts" in told


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (BAD.astype(float).where(BAD.index > 2), "3 of 600 labels are missing, the first in row 1"),
        (BAD.map({0: "good", 1: "bad"}), "--bad-label VALUE says which label is the bad one"),
    ],
)
def test_labels_that_cannot_be_read_are_counted_with_a_way_out(
    labels: "pd.Series[float]",
    wanted: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ROWS.assign(y=labels).to_csv(tmp_path / "rows.csv", index=False)
    rows = str(tmp_path / "rows.csv")
    assert wanted in said(model, tmp_path, capsys, "--reference", rows, "--label", "y")
