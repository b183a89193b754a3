"""Real drift: Home Credit's train sample against its test sample."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.__main__ import main

SHARED = Path(__file__).parents[4] / "shared"
DATA = SHARED / "homecredit"
TRAIN, TEST = (DATA / f"application_{part}_sample.csv.gz" for part in ("train", "test"))

pytestmark = pytest.mark.skipif(not TRAIN.is_file(), reason="no Home Credit sample beside us")


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The columns of drift.json, in the order of concern."""
    out = tmp_path_factory.mktemp("out")
    given = ["--reference", str(TRAIN), "--current", str(TEST), "--ignore", "SK_ID_CURR", "TARGET"]
    assert main(["drift", *given, "--no-report", "--out", str(out)]) == 1
    found: list[dict[str, Any]] = json.loads((out / "drift.json").read_bytes())["columns"]
    return found


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_csv(TRAIN), pd.read_csv(TEST)


def plain_psi(before: "pd.Series[Any]", now: "pd.Series[Any]") -> float:
    """PSI over the values as they are, missing one of them, written out with pandas."""
    shares = pd.concat(
        [s.value_counts(normalize=True, dropna=False) for s in (before, now)], axis=1
    ).fillna(1e-5)
    p, q = shares.iloc[:, 0], shares.iloc[:, 1]
    return float(((q - p) * np.log(q / p)).sum())


def test_the_columns_that_moved_are_named_first(columns: list[dict[str, Any]]) -> None:
    """The four of at least moderate size; AMT_REQ_CREDIT_BUREAU_QRT hides in plain deciles."""
    serious = [c["name"] for c in columns if c["band"] in {"moderate", "large"}]
    assert serious == [
        "AMT_REQ_CREDIT_BUREAU_MON", "AMT_REQ_CREDIT_BUREAU_QRT", "NAME_CONTRACT_TYPE", "FLAG_EMAIL"
    ]  # fmt: skip
    assert [c["name"] for c in columns[:4]] == serious


@pytest.mark.parametrize("name", ["NAME_CONTRACT_TYPE", "FLAG_EMAIL"])
def test_psi_is_what_a_table_of_values_gives(
    columns: list[dict[str, Any]], frames: tuple[pd.DataFrame, pd.DataFrame], name: str
) -> None:
    found = next(c["psi"] for c in columns if c["name"] == name)
    assert found == pytest.approx(plain_psi(frames[0][name], frames[1][name]), abs=1e-3)


def test_psi_agrees_with_the_published_figures_where_bins_do(
    columns: list[dict[str, Any]], frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """The sample's README, within 0.01; its bins put 0 and 1 requests together, ours do not."""
    found = {c["name"]: c["psi"] for c in columns}
    published = {"NAME_CONTRACT_TYPE": 0.217, "FLAG_EMAIL": 0.122, "AMT_GOODS_PRICE": 0.095}
    for name, psi in {**published, "EXT_SOURCE_1": 0.081}.items():
        assert found[name] == pytest.approx(psi, abs=0.01)
    together = [f["AMT_REQ_CREDIT_BUREAU_MON"].clip(1, 2) for f in frames]
    assert plain_psi(*together) == pytest.approx(0.134, abs=0.01)
    assert found["AMT_REQ_CREDIT_BUREAU_MON"] > 0.4


def test_a_rising_missing_rate_is_told_in_words(columns: list[dict[str, Any]]) -> None:
    found = next(c for c in columns if c["name"] == "EXT_SOURCE_1")
    assert "missing 56.5% -> 42.8%" in found["reasons"]


def test_the_sentinel_of_days_employed_is_no_outlier(columns: list[dict[str, Any]]) -> None:
    found = next(c for c in columns if c["name"] == "DAYS_EMPLOYED")
    assert 365243.0 in found["bins"]["edges"]
    assert 365243.0 not in [value for value, _ in found["outside"]["values"]]


def test_halves_of_one_sample_are_stable(
    frames: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    """Real columns, 120 of them, no drift: the order is shuffled first."""
    shuffled = frames[0].sample(frac=1, random_state=1)
    halves = shuffled.iloc[:9000], shuffled.iloc[9000:]
    for frame, name in zip(halves, ("a", "b"), strict=True):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    given = ["--reference", str(tmp_path / "a.parquet"), "--ignore", "SK_ID_CURR"]
    assert main(["drift", *given, "--current", str(tmp_path / "b.parquet")]) == 0
