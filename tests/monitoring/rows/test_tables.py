"""Rows of a file as people have them: gaps, odd types, names that mean something else to us."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitoring.__main__ import main


def people(count: int, seed: int) -> pd.DataFrame:
    """A number, a category, and what a model answered."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": random.normal(size=count),
            "kind": random.choice(list("abc"), count),
            "prediction": random.random(count),
            "decision": random.choice(["approve", "refuse"], count),
        }
    )


def drift(folder: Path, before: pd.DataFrame, now: pd.DataFrame, *more: str) -> dict[str, Any]:
    """Compare two frames by way of CSV; returns drift.json, empty after an error, and `code`."""
    for frame, name in ((before, "before"), (now, "now")):
        frame.to_csv(folder / f"{name}.csv", index=False)
    files = ["--reference", str(folder / "before.csv"), "--current", str(folder / "now.csv")]
    code = main(["drift", *files, "--out", str(folder / "out"), "--no-report", *more])
    written = folder / "out" / "drift.json"
    return {"code": code, **(json.loads(written.read_bytes()) if written.exists() else {})}


def test_a_row_without_a_score_is_in_no_score_band(tmp_path: Path) -> None:
    """A blank is not the highest score there is."""
    now = people(2000, 1)
    now.loc[::4, "prediction"] = np.nan
    found = drift(tmp_path, people(2000, 0), now)
    assert (found["code"], found["status"]) == (0, "stable")
    assert sum(found["score"]["bins"]["current"]) == 1500


def test_a_row_without_a_decision_is_in_no_share(tmp_path: Path) -> None:
    now = people(2000, 1)
    now.loc[::4, "decision"] = None
    found = drift(tmp_path, people(2000, 0), now)
    assert found["code"] == 0
    shares = {d["decision"]: d["share"]["current"] for d in found["decisions"]}
    assert set(shares) == {"approve", "refuse"}
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("by", ["day", "week"])
def test_a_row_without_a_time_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    now = people(300, 1).assign(time="2026-11-23T10:00:00Z")
    now.loc[:2, "time"] = None
    assert drift(tmp_path, people(300, 0), now, "--by", by)["code"] == 3
    assert "row 1: time: wanted ISO 8601 in every row, got " in capsys.readouterr().err


def test_a_time_that_is_none_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift(tmp_path, people(300, 0), people(300, 1).assign(time=range(300)))["code"] == 3
    said = capsys.readouterr().err
    assert "time: wanted ISO 8601" in said
    assert said.count("\n") == 1


def test_decisions_may_be_numbers(tmp_path: Path) -> None:
    """1 refuses, 0 approves, in many a table; drift.json keeps its schema."""
    before, now = (people(500, i).assign(decision=lambda t: t.index % 2) for i in (0, 1))
    for frame, name in ((before, "before"), (now, "now")):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    files = [str(tmp_path / f"{name}.parquet") for name in ("before", "now")]
    given = ["--reference", files[0], "--current", files[1], "--out", str(tmp_path / "out")]
    assert main(["drift", *given, "--no-report"]) == 0
    found = json.loads((tmp_path / "out" / "drift.json").read_bytes())
    assert [d["decision"] for d in found["decisions"]] == ["0", "1"]


@pytest.mark.parametrize("spelt", [("true", "false"), ("True", "False"), ("TRUE", "FALSE")])
def test_truth_is_read_however_it_is_spelt(tmp_path: Path, spelt: tuple[str, str]) -> None:
    """From 30 % to 90 %: the values of a CSV's truth column are not all unseen."""

    def owners(count: int, seed: int, share: float) -> pd.DataFrame:
        owns = np.random.default_rng(seed).random(count) < share
        return people(count, seed).assign(owns=np.where(owns, *spelt))

    found = drift(tmp_path, owners(1000, 0, 0.3), owners(1000, 1, 0.9))
    assert (found["code"], found["columns"][0]["name"]) == (1, "owns")
    assert found["columns"][0]["bins"]["labels"] == ["False", "True"]
    assert found["columns"][0]["unseen"] == {
        "reference": 0.0, "current": 0.0, "p_value": 1.0, "drifted": False
    }  # fmt: skip
    capital = owners(1000, 0, 0.3).assign(owns=lambda t: t["owns"] == spelt[0])
    assert drift(tmp_path, capital, owners(1000, 1, 0.3))["code"] == 0


def test_a_model_may_have_a_feature_called_like_one_of_our_columns(tmp_path: Path) -> None:
    """`time` of a bundle that has such a feature is its number, not a moment."""
    from tests.drift_files import LABELS, rows, write_bundle

    bundle = write_bundle(tmp_path / "m", rows(2000, 0))
    for name in ("manifest.json", "profile.json"):
        path = bundle / name
        path.write_text(path.read_text().replace('"AGE"', '"time"'))
    now = rows(600, 1).assign(KIND=lambda t: t["KIND"].map(dict(enumerate(LABELS))))
    now.rename(columns={"AGE": "time"}).to_csv(tmp_path / "now.csv", index=False)
    out = tmp_path / "out"
    given = ["--model", str(bundle), "--current", str(tmp_path / "now.csv"), "--out", str(out)]
    assert main(["drift", *given, "--no-report"]) == 0
    assert json.loads((out / "drift.json").read_bytes())["window"]["first"] == ""
