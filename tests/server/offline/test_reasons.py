"""Reasons of a file: those that /score answers to the same applicants, and all contributions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server.bundle.manifest import BundleError
from server.offline.scorer import Scorer
from tests.conftest import (
    Running,
    Trained,
    applicants,
    convert,
    label,
    make_bundle,
    make_rows,
    running,
)
from tests.native_kernel import needs_kernel
from tests.server.command import refused, run
from tests.server.reason_codes import with_codes

pytestmark = needs_kernel


@pytest.fixture(scope="module")
def explaining(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_codes(bundle, tmp_path_factory.mktemp("explaining") / "small" / "1")


@pytest.fixture(scope="module")
def up(explaining: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(explaining, tmp_path_factory.mktemp("log")) as up:
        yield up


def answered(up: Running, rows: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    """Return what /score says of each row, its reasons as the columns of a file."""
    head, found = {"Accept-Language": language}, []
    for first in range(0, len(rows), 100):
        said = httpx.post(
            f"{up.url}/score?reasons=all", json=applicants(rows[first : first + 100]), headers=head
        )
        found += said.raise_for_status().json()
    return [flat(answer) for answer in found]


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for place in range(2):
        reason = dict(enumerate(answer["reasons"])).get(place, {})
        columns[f"reason_{place + 1}"] = reason.get("code")
        columns[f"reason_{place + 1}_text"] = reason.get("text")
        columns[f"reason_{place + 1}_contribution"] = reason.get("contribution")
    columns |= {f"contribution_{name}": value for name, value in answer["contributions"].items()}
    return columns | {"expectation": answer["expectation"]}


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_file_gives_the_reasons_that_score_answers(
    up: Running, explaining: Path, trained: Trained, tmp_path: Path, language: str
) -> None:
    trained.held_out.to_parquet(tmp_path / "in.parquet")
    wanted = answered(up, trained.held_out, language)
    command = ("score", "--model", str(explaining), str(tmp_path / "in.parquet"), "-o")
    for reasons, count in (("all", 12), ("principal", 6)):
        out = tmp_path / f"{reasons}.parquet"
        done = run(*command, str(out), "--reasons", reasons, "--language", language)
        assert done.returncode == 0, done.stderr
        columns = pq.read_table(out).column_names[-count:]
        assert columns == [*wanted[0]][:count]
        found = pq.read_table(out, columns=columns).to_pylist()
        assert found == [{name: row[name] for name in columns} for row in wanted]
    assert {"M02", "R01", None} <= {row["reason_1"] for row in wanted}


def test_a_zero_was_sent_though_the_model_takes_it_for_missing(tmp_path: Path) -> None:
    rows, options = make_rows(2000, 1), {"objective": "binary", "zero_as_missing": True}
    rows.loc[::7, "INCOME"] = 0.0
    rows["KIND"] = rows["KIND"].fillna("car")
    booster = lgb.train(
        {**options, "verbose": -1}, lgb.Dataset(rows, label(rows, 2)), num_boost_round=10
    )
    rows.to_parquet(tmp_path / "rows.parquet")
    make_bundle(Trained(booster, rows, rows), tmp_path)
    model = with_codes(tmp_path / "models" / "small" / "1", tmp_path / "small" / "1")
    scored = Scorer.load(model, reasons="all").score(pa.Table.from_pandas(rows))
    names = [name for name in scored.schema.names if name.startswith(("reason", "contr", "exp"))]
    with running(model, tmp_path) as up:
        assert scored.select(names).to_pylist() == answered(up, rows, "en")
    assert {"M02", "R02"} <= set(scored.column("reason_1").to_pylist())


def test_a_row_with_a_fault_has_no_reasons(explaining: Path, trained: Trained) -> None:
    rows = trained.held_out.assign(AGE=[*[float("nan")] * 500, *[90.0] * 500])
    (batch,) = pa.Table.from_pandas(rows, preserve_index=False).to_batches()
    scorer = Scorer.load(explaining, reasons="all")
    found, faults = scorer.scores(batch)
    assert set(faults) == set(range(500))
    assert all(column.slice(0, 500).null_count == 500 for column in found.columns)
    assert found.column("expectation").slice(500).null_count == 0
    good, _ = scorer.scores(batch.slice(500))
    assert found.slice(500) == good


def test_threads_explain_at_once_with_the_same_bits(explaining: Path, trained: Trained) -> None:
    (batch,) = pa.Table.from_pandas(trained.held_out, preserve_index=False).to_batches()
    scorer = Scorer.load(explaining, reasons="all")
    firsts = [i % 900 for i in range(0, 4000, 13)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda first: scorer.score(batch.slice(first, 99)), firsts))
    whole = scorer.score(batch)
    assert found == [whole.slice(first, 99) for first in firsts]


def test_a_model_that_refuses_nobody_has_contributions_alone(
    trained: Trained, tmp_path: Path
) -> None:
    trained.booster.save_model(tmp_path / "model.txt")
    convert(tmp_path / "model.txt", "--name", "bare", "--version", "1", "--out", str(tmp_path))
    scorer = Scorer.load(tmp_path / "bare" / "1", reasons="all")
    table = pa.Table.from_pandas(trained.held_out, preserve_index=False)
    scored = scorer.score(table)
    names = [name for name in scored.schema.names if name.startswith(("contribution_", "expect"))]
    assert names == [*(f"contribution_{name}" for name in trained.held_out), "expectation"]
    assert not [name for name in scored.schema.names if name.startswith("reason_")]
    total = np.sum([scored.column(name).to_numpy() for name in names], axis=0)
    assert np.abs(total - trained.raw(trained.held_out)).max() < 1e-12
    with pytest.raises(BundleError, match="wanted a bundle with reasons, got none"):
        Scorer.load(tmp_path / "bare" / "1", reasons="principal")


def test_a_language_that_no_text_has_is_refused(explaining: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("AGE\n1\n")
    command = ("score", "--model", str(explaining), str(tmp_path / "in.csv"), "-o", "out.csv")
    said = refused(run(*command, "--reasons", "principal", "--language", "fr"))
    assert "wanted reasons in en, de, got fr" in said
    assert "--language wants --reasons" in refused(run(*command, "--language", "de"))


def test_a_folder_begun_with_other_reasons_is_not_gone_on_with(
    explaining: Path, trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    trained.held_out.to_parquet(tmp_path / "in" / "0.parquet")
    command = ("score", "--model", str(explaining), str(tmp_path / "in"), "-o")
    assert run(*command, str(tmp_path / "out"), "--reasons", "principal").returncode == 0
    said = refused(run(*command, str(tmp_path / "out"), "--resume"))
    assert "was begun with --reasons principal, got none" in said
