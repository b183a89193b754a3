"""The cost of the record: measured for real, beside a server that keeps none."""

from pathlib import Path

import pytest

from bench.record_cost import MODES, OFF, measure, row_of
from tests.conftest import Trained

pytestmark = pytest.mark.slow


def test_measuring_gives_figures_for_every_mode(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    trained.held_out.to_parquet(tmp_path / "rows.parquet")
    rows = measure(bundle, tmp_path / "rows.parquet", rounds=1, seconds=1)
    assert [row["label"] for row in rows] == [*MODES]
    assert all(row["cpu_us"] > 0 and row["per_second"] > 0 for row in rows)
    assert ["above_us" in row for row in rows] == [mode != OFF for mode in MODES]


def test_a_mode_is_compared_with_off_within_a_round() -> None:
    """A slow round slows both."""
    rounds = [{OFF: {"cpu_us": 50.0 * slow, "per_second": 20.0 / slow},
               "on": {"cpu_us": 60.0 * slow, "per_second": 10.0 / slow}}
              for slow in (1, 5, 2)]  # fmt: skip
    row = row_of("on", rounds)
    assert (row["above_us"], row["above_share"], row["rate_share"]) == (20, pytest.approx(0.2), 0.5)
