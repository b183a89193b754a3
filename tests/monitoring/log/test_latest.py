"""The newest scores of a log, whatever lies in it."""

from datetime import timedelta
from pathlib import Path

import pytest

from monitoring.__main__ import main
from monitoring.log.latest import latest
from monitoring.log.record import DamagedLogError
from tests.record_lines import BEGIN, line, record, segment


def ids(folder: Path, count: int = 3, model: tuple[str, str] | None = None) -> list[str]:
    return [found.request_id for found, _ in latest([folder], count, model)]


def test_the_newest_of_all_servers_come_first(tmp_path: Path) -> None:
    for host, first in (("a", 0), ("b", 5)):
        times = (BEGIN + timedelta(seconds=first + 2 * i) for i in range(5))
        lines = [line(record(first + i, time)) for i, time in enumerate(times)]
        segment(tmp_path, lines, host=host)
    assert ids(tmp_path, 5) == [f"request-{i}" for i in (9, 8, 7, 4, 6)]


def test_only_scores_of_the_model_count(tmp_path: Path) -> None:
    others = [record(3, kind="shadow"), record(4, kind="refused"), record(5, version="02")]
    erased = b'{"v":1,"kind":"erased","time":"2026-11-23T21:42:57.000000Z"}\n'
    segment(tmp_path, [*map(line, [record(1), record(2), *others]), erased])
    assert ids(tmp_path, model=("credit", "01")) == ["request-2", "request-1"]
    assert ids(tmp_path) == ["request-5", "request-2", "request-1"]


def test_they_are_found_in_compacted_parquet(tmp_path: Path) -> None:
    segment(tmp_path, [line(record(i)) for i in range(300)])
    assert main(["log", "compact", str(tmp_path)]) == 0
    assert not list(tmp_path.glob("*.jsonl"))
    assert ids(tmp_path) == ["request-299", "request-298", "request-297"]


def test_an_empty_folder_holds_none_and_damage_is_named(tmp_path: Path) -> None:
    assert ids(tmp_path) == []
    good = line(record(1))
    segment(tmp_path, [good, b"no record\n"])
    with pytest.raises(DamagedLogError, match=f"byte {len(good)}: not a record"):
        ids(tmp_path)
