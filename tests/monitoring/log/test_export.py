"""Exports hold every value: as CSV and Parquet, for pandas and DuckDB, and a column per feature."""

import base64
import csv
import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import duckdb
import httpx
import numpy as np
import pandas as pd
import pytest

from monitoring.__main__ import main
from tests.conftest import Serve, Trained, applicants
from tests.record_lines import line, record, segment

SENT = [record(0), record(1, flags=["range:x"], raw=[0.1, 0.2], prediction=[0.3, 0.7])]
PLAIN = ("kind", "time", "request_id", "model", "version", "sha256", "policy", "decision")


def export(log: Path, out: Path, to: str, *arguments: str) -> int:
    return main(["log", "export", str(log), "--to", to, "--out", str(out), *arguments])


def from_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        rows: list[dict[str, Any]] = [dict(row) for row in csv.DictReader(file)]
    for row in rows:
        row["row"] = base64.b64decode(row["row"])
        row["time"] = row["time"].replace(" ", "T")
        row |= {name: float(row[name]) if row[name] else None for name in ("raw", "latency_us")}
    return [lists_of(row) for row in rows]


def lists_of(row: dict[str, Any]) -> dict[str, Any]:
    row |= {name: json.loads(row[name]) for name in ("flags", "raw_all") if row[name]}
    return row


def from_duckdb(path: Path) -> list[dict[str, Any]]:
    """By a database made as docs/log.md makes it."""
    with duckdb.connect(str(path.with_suffix(".duckdb"))) as connection:
        connection.sql(f"create table score as from '{path}'")
        rows = connection.table("score").order("request_id").to_arrow_table().to_pylist()
    return [row | {"time": stamp(row["time"])} for row in rows]


def from_parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[Any] = pd.read_parquet(path).astype(object).to_dict("records")
    return [row | {"time": stamp(row["time"])} for row in rows]


def stamp(time: Any) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


@pytest.mark.parametrize(
    ("to", "read"),
    [
        ("csv", from_csv),
        ("parquet", from_duckdb),
        ("parquet", from_parquet),
    ],
)
def test_every_value_is_in_the_export(
    tmp_path: Path, to: str, read: Callable[[Path], list[dict[str, Any]]]
) -> None:
    segment(tmp_path, map(line, SENT))
    out = tmp_path / f"out.{to}"
    assert export(tmp_path, out, to) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    rows = read(out)
    assert len(rows) == len(SENT)
    for row, sent in zip(rows, SENT, strict=True):
        assert {name: row[name] for name in PLAIN} == {name: sent[name] for name in PLAIN}
        assert base64.b64encode(row["row"]).decode() == sent["row"]
        assert json.loads(row["features"]) == sent["features"]
        assert row["latency_us"] == sent["latency_us"]
    assert rows[0]["raw"] == SENT[0]["raw"]
    assert list(rows[1]["raw_all"]) == SENT[1]["raw"]
    assert list(rows[1]["flags"]) == SENT[1]["flags"]


def test_a_file_that_exists_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segment(tmp_path, map(line, SENT))
    (tmp_path / "out").write_text("mine")
    assert export(tmp_path, tmp_path / "out", "csv") == 2
    assert "already exists" in capsys.readouterr().err


def test_a_window_selects_by_time(tmp_path: Path) -> None:
    segment(tmp_path, map(line, SENT))
    since = ("--since", "2026-11-23T21:42:57")
    assert export(tmp_path, tmp_path / "out", "csv", *since) == 0
    assert [row["request_id"] for row in from_csv(tmp_path / "out")] == ["request-1"]


def test_a_column_per_feature_holds_what_was_sent(
    bundle: Path, trained: Trained, serve: Serve, tmp_path: Path
) -> None:
    sent = trained.held_out[:50]
    with serve(bundle, tmp_path) as server:
        httpx.post(f"{server.url}/score", json=applicants(sent)).raise_for_status()
    assert export(tmp_path, tmp_path / "out", "parquet", "--features", str(bundle)) == 0
    rows = pd.read_parquet(tmp_path / "out")
    for name in ("AGE", "INCOME", "DEBT-RATIO"):
        assert rows[name].to_numpy(np.float64).tobytes() == sent[name].to_numpy().tobytes()
    assert rows["KIND"].astype(object).where(rows["KIND"].notna(), None).tolist() == [
        applicant["KIND"] for applicant in applicants(sent)
    ]
    assert rows["REGION"].tolist() == sent["REGION"].astype(float).tolist()
