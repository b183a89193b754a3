"""The process: its cold start adds up, its memory has owners, and a soak looks at what may grow."""

from pathlib import Path

import pytest

from bench import soak
from bench.process import memory, start
from bench.workload import models


def test_the_steps_of_the_cold_start_and_what_is_left_add_up_to_the_whole(
    workload: models.Workload,
) -> None:
    rows = start.measure(workload, 1)
    *steps, whole = [row["step_ms"] for row in rows]
    assert [row["step"] for row in rows][-2:] == [start.REST, start.WHOLE]
    assert {"interpreter", "import onnxruntime"} < {row["step"] for row in rows}
    assert abs(sum(steps) - whole) < 0.1 * len(steps), "but for rounding"


def test_a_worker_s_memory_is_told_by_owner(workload: models.Workload) -> None:
    rows = {row["what"]: row for row in memory.measure(workload, 200)}
    assert rows["worker in all"]["mib"] > 0
    assert {"onnxruntime", "numpy", "heap, stacks, anonymous"} < set(rows)
    assert rows["one request at its peak"]["bytes"] > 0


def test_mappings_are_added_up_by_package() -> None:
    smaps = (
        "7f00-7f01 r-xp 00000000 08:01 1   /v/site-packages/numpy.libs/libblas.so\nPss:   4 kB\n"
        "7f01-7f02 r-xp 00000000 08:01 2   /v/site-packages/numpy/core.so\nPss:   3 kB\n"
        "7f02-7f03 rw-p 00000000 00:00 0   [heap]\nPss:   2 kB\n"
        "7f03-7f04 rw-p 00000000 00:00 0 \nPss:   1 kB\n"
        "7f04-7f05 r-xp 00000000 08:01 3   /usr/bin/python3.11\nPss:   5 kB\n"
    )
    assert memory.by_owner(smaps) == {"numpy": 7, "heap, stacks, anonymous": 3, "Python": 5}


def test_a_soak_has_a_row_per_slice_with_all_that_may_grow(workload: models.Workload) -> None:
    rows = soak.measure(workload, soak.Plans(seconds=1.0, slices=2, rate=50))
    assert [row["minute"] for row in rows] == [0.01, 0.02]
    for row in rows:
        assert row["failed"] == 0
        assert row["samples"] > 10
        assert min(row["memory_mib"], row["descriptors"], row["threads"]) > 0


def test_a_soak_is_written_where_it_is_told_to(
    workload: models.Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "build", lambda size: workload)
    assert soak.main(["--minutes", "0.01", "--rate", "50", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "soak.json").exists()
