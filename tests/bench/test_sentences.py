"""The sentences of BENCHMARKS.md follow from the figures, and turn with them."""

from typing import Any

import pytest

from bench import result
from bench.report import sections, sentences
from bench.report.tables import Table
from bench.result import Row

COMMITTED = [table for table in sections.TABLES if result.read(table.result)]


def rows_of(table: Table) -> list[Row]:
    found = result.read(table.result)
    assert found is not None
    return found.rows


@pytest.mark.parametrize("table", sections.TABLES, ids=lambda each: each.result)
def test_without_figures_there_is_no_sentence(table: Table) -> None:
    assert table.says([]) == ""


@pytest.mark.parametrize("table", COMMITTED, ids=lambda each: each.result)
def test_every_committed_result_says_something_and_something_else_when_its_figures_change(
    table: Table,
) -> None:
    rows = rows_of(table)
    others = [{key: changed(key, value, 2 + i) for key, value in row.items()}
              for i, row in enumerate(rows)]  # fmt: skip
    assert table.says(rows)
    assert table.says(rows) != table.says(others)


def changed(key: str, value: Any, times: int) -> Any:
    """Return a figure times `times`; what is measured at, and not the figure itself, stays."""
    at = {"connections", "share", "batch", "trees", "features", "threads", "count", "compared"}
    return value * times if isinstance(value, int | float) and key not in at else value


def step(label: str, per_second: float, different: int = 0) -> Row:
    cost = 1e6 / per_second
    return {"label": label, "per_second": per_second, "p50_us": cost, "cpu_us": cost,
            "memory_mib": 50.0, "start_s": 1.0, "packages_mib": 9.0, "compared": 100,
            "different": different, "flips": different // 2, "largest_error": 0.01}  # fmt: skip


def test_the_largest_step_is_named_and_so_is_who_is_not_lightgbm() -> None:
    said = sentences.before_after([step("slow", 10), step("less", 20, 8), step("fast", 100)])
    assert "100 answers a second in place of 10, half of all answers come within 10,000 µs" in said
    assert "10,000 µs of processor time in place of 100,000, 10 times less" in said
    assert "the largest step is “fast”, 5 times" in said
    assert (
        "“less” gives 8 another probability than LightGBM (by 0.01 at most) and decides 4" in said
    )
    assert said.count(". ") == 2, "three sentences"
    exact = sentences.before_after([step("slow", 10), step("less", 80), step("fast", 100)])
    assert "the largest step is “less”, 8 times" in exact
    assert "all get LightGBM's probability" in exact


def test_growth_is_said_only_where_something_grew() -> None:
    first = {"minute": 1, "memory_mib": 50.0, "descriptors": 30, "threads": 3}
    last = {"minute": 10, "memory_mib": 49.0, "descriptors": 30, "threads": 3}
    assert "nothing grew" in sentences.soak([first, last])
    assert "open descriptors grew" in sentences.soak([first, {**last, "descriptors": 31}])


def test_a_peer_that_decides_otherwise_is_named_with_how_often() -> None:
    def row(subject: str, kind: str, different: int) -> list[Row]:
        return [{"model": "m", "subject": subject, "label": subject, "kind": kind,
                 "connections": count, "per_second": 10.0, "p50_us": 5.0, "compared": 100,
                 "different": different, "flips": different, "largest_error": 0.5}
                for count in (1, 32)]  # fmt: skip

    ours = row("json", "ours", 0)
    assert "“other” gives 7 another" in sentences.peers([*ours, *row("other", "peer", 7)])
    assert "all get LightGBM's" in sentences.peers([*ours, *row("other", "peer", 0)])


def test_a_quicker_engine_is_said_to_be_there() -> None:
    def row(engine: str, p50: float) -> Row:
        return {"model": "m", "engine": engine, "label": engine, "p50_us": p50}

    ours = [row("native", 4), row("single-row-fast", 20), row("floor", 2)]
    said = sentences.ladder([*ours, row("lleaves", 8)])
    assert said.startswith("None was found")
    assert "the quickest of others, lleaves, takes 2 times as long" in said
    assert sentences.ladder([*ours, row("lleaves", 3)]).startswith("Yes")
