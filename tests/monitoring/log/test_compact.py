"""Compaction: every record once, whatever happens, and readable by whoever reads Parquet."""

import fcntl
import json
import os
import random
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from monitoring.__main__ import main
from monitoring.log import compact as compaction
from monitoring.log.once import Once
from monitoring.log.segment import PATTERN, Segment
from monitoring.log.sources import find
from tests.conftest import ROOT
from tests.long.kill_compaction import contents, kill_rounds
from tests.record_lines import BEGIN, DAY, chained, line, record, segment, stem_of

KILLS = 4


def test_the_log_holds_the_same_records_before_and_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        line(record(i, BEGIN + i % 3 * DAY, version="0" + str(i % 2), model=f"m/{i % 2} ä"))
        for i in range(100)
    ]
    segment(tmp_path, [*lines[:60], b"torn"])
    segment(tmp_path, lines[60:], host="other")
    before = contents(tmp_path)
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert contents(tmp_path) == before
    assert sum(before.values()) == 100
    assert not list(tmp_path.glob(PATTERN))
    assert len(find([tmp_path])) == 12  # 2 segments x 2 versions x 3 days
    assert "a torn last line of 4 bytes dropped" in capsys.readouterr().out


def test_only_the_owner_can_look_into_the_parquet(tmp_path: Path) -> None:
    """Every folder that compaction makes, wherever it makes them."""
    segment(tmp_path / "log", [line(record(0))])
    into = tmp_path / "far" / "away"
    assert main(["log", "compact", "--into", str(into), str(tmp_path / "log")]) == 0
    [part] = into.rglob("*.parquet")
    assert part.stat().st_mode & 0o777 == 0o600
    made = [folder for folder in part.parents if tmp_path in folder.parents]
    assert {folder.stat().st_mode & 0o777 for folder in made} == {0o700}
    assert len(made) == 5


def test_a_segment_being_written_is_left_alone(tmp_path: Path) -> None:
    path = segment(tmp_path, [line(record(0))])
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert main(["log", "compact", str(tmp_path)]) == 0
        assert find([tmp_path])[0].path == path
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert not path.exists()


def test_a_segment_written_to_lately_can_be_left_to_the_shippers(tmp_path: Path) -> None:
    path = segment(tmp_path, [line(record(0))])
    os.utime(path, (time.time() - 600, time.time() - 600))
    assert main(["log", "compact", "--idle", "20", str(tmp_path)]) == 0
    assert path.exists()
    assert main(["log", "compact", "--idle", "5", str(tmp_path)]) == 0
    assert not path.exists()


@pytest.mark.parametrize("step", ["write", "publish", "rename one", "unlink"])
def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop after a step, as a kill would; read; run again; read."""
    source = Segment(segment(tmp_path, [line(record(i, BEGIN + i * DAY)) for i in range(4)]))
    before, root = contents(tmp_path), tmp_path / "parquet"
    writers = compaction.write(source, root, Once())
    if step == "rename one":
        writers[0].temporary.rename(writers[0].path)
    elif step in {"publish", "unlink"}:
        compaction.publish(source, root, writers)
    assert contents(tmp_path) == before
    if step == "unlink":
        source.path.unlink()
        assert contents(tmp_path) == before
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert contents(tmp_path) == before
    assert not list(root.rglob("*.tmp"))


def test_a_part_of_an_interrupted_run_that_no_longer_belongs_is_taken_away(tmp_path: Path) -> None:
    """Erased between the two runs, the only record of a day must not live on in that day's part."""
    source = Segment(segment(tmp_path, [line(record(i, BEGIN + i * DAY)) for i in range(2)]))
    root = tmp_path / "parquet"
    compaction.publish(source, root, compaction.write(source, root, Once()))
    assert main(["log", "erase", "--request-id", "request-1", str(source.path)]) == 0
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert len(list((tmp_path / "parquet").rglob("*.parquet"))) == 1
    assert sum(contents(tmp_path).values()) == 1


def test_killed_at_random_moments_the_union_stays_the_same_set(tmp_path: Path) -> None:
    """kill -9 on the real command, at a moment drawn from its whole run."""
    kill_rounds(tmp_path, KILLS, random.Random(5))


def test_a_broken_chain_stops_compaction_and_the_segment_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = chained([line(record(i)) for i in range(3)], stem_of(BEGIN))
    path = segment(tmp_path, [lines[0], lines[1].replace(b'"raw":-0.5', b'"raw":-0.6'), lines[2]])
    assert main(["log", "compact", str(tmp_path)]) == 2
    assert f"{path}, byte {len(lines[0])}" in capsys.readouterr().err
    assert path.exists()


def test_two_at_once_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / ".upkeep.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["log", "compact", str(tmp_path)]) == 2
    assert "another compact or erase" in capsys.readouterr().err


def by_duckdb(folder: Path) -> list[dict[str, Any]]:
    query = duckdb.sql(
        f"select * exclude (time), strftime(time at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') "
        f"as time from read_parquet('{folder}/**/*.parquet')"
    )
    return list(query.to_arrow_table().to_pylist()) if query else []


def by_polars(folder: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(folder / "**/*.parquet", hive_partitioning=True).to_dicts()


def by_pandas(folder: Path) -> list[dict[str, Any]]:
    rows: list[Any] = pd.read_parquet(folder).to_dict("records")
    return rows


@pytest.mark.parametrize("read", [by_duckdb, by_polars, by_pandas])
def test_other_tools_read_every_value_that_was_recorded(
    tmp_path: Path, read: Callable[[Path], list[dict[str, Any]]]
) -> None:
    sent = [record(i, BEGIN + i % 2 * DAY, version="1.10") for i in range(20)]
    segment(tmp_path, map(line, sent))
    assert main(["log", "compact", str(tmp_path)]) == 0
    found = sorted(read(tmp_path / "parquet"), key=lambda row: int(row["request_id"][8:]))
    assert len(found) == len(sent)
    for row, wanted in zip(found, sent, strict=True):
        same_as_sent(row, wanted)


def same_as_sent(row: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compare one row of a Parquet reader with the record it came from, value by value."""
    time = row["time"]
    text = time if isinstance(time, str) else f"{time:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert text == wanted["time"]
    assert json.loads(row["features"]) == wanted["features"]
    assert list(row["flags"]) == wanted["flags"]
    assert b64encode(row["row"]).decode() == wanted["row"]
    assert row["model_version"] == f"{wanted['model']}/{wanted['version']}"
    assert str(row["day"])[:10] == wanted["time"][:10]
    for name in ("v", "kind", "request_id", "index", "sha256", "policy",
                 "raw", "prediction", "decision", "latency_us"):  # fmt: skip
        assert row[name] == wanted[name], name


def test_the_query_in_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(tmp_path, [line(record(i)) for i in range(4)])
    assert main(["log", "compact", str(tmp_path)]) == 0
    monkeypatch.chdir(tmp_path)
    query = (ROOT / "docs" / "log.md").read_text().partition("```sql\n")[2].partition("```")[0]
    [(day, count, mean, limit)] = duckdb.execute(query).fetchall()
    assert (str(day), count, limit) == ("2026-11-23", 4, 1.5)
    assert mean == pytest.approx(0.1, rel=1e-4)
