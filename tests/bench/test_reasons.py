"""The measurement of reasons over HTTP: every way answers, and is set against none."""

from bench.load import reasons
from bench.workload.models import Workload


def test_each_way_is_a_multiple_of_none_and_covers_cost_memory(workload: Workload) -> None:
    rows = reasons.measure(workload, rounds=1, seconds=1, starts=1)
    loaded, covers = rows[:6], rows[6:]
    assert [row["label"] for row in loaded] == [*reasons.WAYS] * 2
    assert [row["connections"] for row in loaded] == [1, 1, 1, 32, 32, 32]
    for row in loaded:
        assert row["failed"] == 0
        assert row["samples"] > 0
        assert (row["label"] == "no reasons") <= (row["of_rate"] == row["of_p50"] == 1)
    assert [row["label"] for row in covers] == ["without covers", "with covers"]
    assert covers[0]["bytes_a_split"] == 0
    assert all(row["pss_mib"] > 1 and row["start_ms"] > 1 for row in covers)


def test_splits_are_counted_in_lightgbms_text(workload: Workload) -> None:
    assert reasons.splits_of(workload) <= 20 * 6
    assert reasons.splits_of(workload) > 20
