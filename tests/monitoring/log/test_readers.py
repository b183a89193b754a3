"""What was sent over HTTP is what DuckDB, polars and pandas read from the compacted log."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

from monitoring.__main__ import main
from tests.conftest import KINDS, Serve, Trained, applicants

COUNT = 300
Rows = list[dict[str, Any]]


def by_duckdb(parquet: Path) -> Rows:
    found = duckdb.sql(f"select * from read_parquet('{parquet}/**/*.parquet')")
    rows: Rows = found.to_arrow_table().to_pylist() if found else []
    return rows


def by_polars(parquet: Path) -> Rows:
    return pl.read_parquet(parquet / "**" / "*.parquet", hive_partitioning=True).to_dicts()


def by_pandas(parquet: Path) -> Rows:
    rows: list[Any] = pd.read_parquet(parquet).astype(object).to_dict("records")
    return rows


def seen_by_model(applicant: dict[str, Any]) -> bytes:
    """Return an applicant as float64: text as its place among the categories, null as NaN."""
    kind = applicant["KIND"]
    code = None if kind is None else float(KINDS.index(kind))
    region = applicant["REGION"]
    numbers = [applicant["AGE"], applicant["INCOME"], applicant["DEBT-RATIO"], code]
    numbers.append(None if region is None else float(region - 1))
    return np.array([np.nan if each is None else each for each in numbers], "<f8").tobytes()


@pytest.fixture(scope="module")
def exchanged(
    bundle: Path, serve: Serve, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Send held-out rows, singly and in batches, and compact: the Parquet, and (sent, answer)."""
    folder, asked = tmp_path_factory.mktemp("log"), applicants(trained.held_out[:COUNT])
    answers: list[dict[str, Any]] = []
    with serve(bundle, folder) as server, httpx.Client(base_url=server.url) as client:
        for applicant in asked[: COUNT // 2]:
            answers.append(client.post("/score", json=applicant).raise_for_status().json())
        for first in range(COUNT // 2, COUNT, 50):
            batch = asked[first : first + 50]
            answers += client.post("/score", json=batch).raise_for_status().json()
    assert main(["log", "compact", str(folder)]) == 0
    assert not list(folder.glob("*.jsonl"))
    return folder / "parquet", list(zip(asked, answers, strict=True))


@pytest.mark.parametrize("read", [by_duckdb, by_polars, by_pandas])
def test_every_value_sent_and_answered_is_read_back(
    exchanged: tuple[Path, list[tuple[dict[str, Any], dict[str, Any]]]],
    trained: Trained,
    read: Callable[[Path], Rows],
) -> None:
    parquet, pairs = exchanged
    rows = read(parquet)
    assert len(rows) == COUNT
    found = {(row["request_id"], row["index"]): row for row in rows}
    raw = trained.raw(trained.held_out[:COUNT])
    for number, (sent, answer) in enumerate(pairs):
        place = max(number - COUNT // 2, 0) % 50
        row = found.pop((answer["request_id"], place))
        assert json.loads(row["features"]) == sent
        assert row["row"] == seen_by_model(sent)
        assert row["raw"] == raw[number]
        assert (row["prediction"], row["decision"]) == (answer["probability"], answer["decision"])
        assert row["sha256"] == answer["model"]["sha256"]
        assert (row["model_version"], row["kind"]) == ("small/1", "score")
        assert row["policy"] == answer["policy"]
    assert not found
