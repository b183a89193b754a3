"""The measurement of a portfolio: every way scores the same file to the same decisions."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.environments import python_of
from bench.portfolio import book, engines, explained, measure
from bench.portfolio.ways import ENVIRONMENT, OF_ENVIRONMENT, WAYS
from bench.workload import models
from bench.workload.models import Workload

pytestmark = pytest.mark.slow

SCALE = measure.Scale(rows=500, alone=(700,), threads=(1,), rounds=1)


def test_each_way_is_a_row_of_ratios_and_decides_alike(workload: Workload) -> None:
    rows = measure.measure(workload, SCALE)
    assert [row["label"] for row in rows] == [measure.SCORE, *WAYS, measure.SCORE]
    assert [row["count"] for row in rows] == [500] * (1 + len(WAYS)) + [700]
    for row in rows:
        if row["label"] in OF_ENVIRONMENT and python_of(ENVIRONMENT) is None:
            assert "make bench-peers" in row["error"]
            continue
        assert min(row["cpu_us"], row["wall_us"], row["mib"]) > 0
        assert row.get("flips", 0) == 0
    assert rows[0]["cpu_times"] == rows[0]["wall_times"] == 1
    assert rows[1]["different"] == 0


def test_what_fails_is_told(workload: Workload, tmp_path: Path) -> None:
    scale = measure.Scale(rows=10, alone=(), threads=(1,), rounds=1)
    *_, before = measure.measure(workload, scale, before=tmp_path)
    assert "No module named server" in before["error"]


def test_a_book_has_as_many_rows_as_asked_for_and_hardly_any_twice(tmp_path: Path) -> None:
    file = tmp_path / "book.parquet"
    for size, width in ((models.DEMO, 24), (models.Size(20, 7, 60), 60)):
        book.write(size, book.PART_ROWS + 7, file)
        table = pq.read_table(file)
        assert table.shape == (book.PART_ROWS + 7, width)
        distinct = table.group_by(table.column_names).aggregate([]).num_rows
        assert distinct > 0.999 * table.num_rows


def test_lightgbm_explains_the_same_file_to_the_same_contributions(workload: Workload) -> None:
    ours, plain, theirs = explained.measure(workload, 300, rounds=1, threads=1)
    assert [ours["label"], plain["label"], theirs["label"]] == [*explained.WAYS]
    assert theirs["apart"] < 1e-9
    assert ours["wall_times"] == 1
    assert all(min(row["cpu_us"], row["per_s"], row["mib"]) > 0 for row in (ours, plain, theirs))


def test_a_folder_for_the_engines_holds_the_book_in_parts(
    workload: Workload, tmp_path: Path
) -> None:
    source = engines.parts(workload.size, tmp_path, book.PART_ROWS + 7)
    counts = [pq.read_metadata(part).num_rows for part in sorted(source.iterdir())]
    assert counts == [book.PART_ROWS, 7]
    assert engines.seconds(engines.SCORE, workload.bundle, source) > 0
    assert len([*source.with_name(f"{source.name} {engines.SCORE}").glob("*.parquet")]) == 2
