"""The measurement of contributions: every way explains the same, and is timed in turn."""

from bench.contributions import measure
from bench.contributions.ways import PRED_CONTRIB, SCORE
from bench.workload.models import Workload


def test_each_way_is_a_row_of_ratios_and_explains_what_lightgbm_explains(
    workload: Workload,
) -> None:
    rows = measure.measure(workload, rounds=2, rows=20, peers=False)
    found = {row["label"]: row for row in rows}
    assert len(found) == 5
    assert found[SCORE]["scores"] == found[PRED_CONTRIB]["faster"] == 1
    assert found[SCORE]["apart"] is None
    for row in rows:
        assert row["model"] == workload.size.name
        assert row["cpu_us"] > 0
        assert row["apart"] is None or row["apart"] < 1e-12


def test_a_peer_that_is_not_built_is_told(workload: Workload) -> None:
    (row,) = measure.timed(workload, "shapiq", "no such environment", 1, 20)
    assert "no environment" in row["error"]
