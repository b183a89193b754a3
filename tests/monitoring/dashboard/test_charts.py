"""Where a threshold is drawn among the bins of the scores."""

import pytest

from monitoring.dashboard import charts
from monitoring.drift.result import Bins

EDGES = [0.1, 0.2, 0.4]


@pytest.mark.parametrize(
    ("value", "bin_", "within"),
    [(0.05, 0, 0.5), (0.1, 1, 0.0), (0.175, 1, 0.75), (0.25, 2, 0.25), (0.4, 3, 0.0),
     (0.9, 3, 0.5)],
)  # fmt: skip
def test_a_value_is_drawn_where_it_lies_in_its_bin(value: float, bin_: int, within: float) -> None:
    found, share = charts.placed(EDGES, value)
    assert found == bin_
    assert share == pytest.approx(within)
    assert charts.placed([], value) == (0, 0.5)


def test_reference_and_current_have_the_mark_that_the_legend_shows() -> None:
    """Both are bars, so the two squares of the legend are what is drawn."""
    bins = Bins([1, 2, 3, 4], [4, 3, 2, 1], EDGES)
    bars, *_ = charts.distributions(bins, "score", {"refuse from 0.25": 0.25}).to_dict()["layer"]
    assert bars["mark"]["type"] == "bar"
    assert bars["encoding"]["color"]["scale"]["domain"] == ["reference", "current"]
    assert bars["encoding"]["xOffset"]["field"] == "side"


def test_each_mark_is_a_line_with_its_name() -> None:
    bins = Bins([1, 2, 3, 4], [4, 3, 2, 1], EDGES)
    marks = {"refer from 0.1": 0.1, "refuse from 0.25": 0.25}
    drawn = charts.distributions(bins, "score", marks).to_dict()
    named = [
        row["called"] for rows in drawn["datasets"].values() for row in rows if "called" in row
    ]
    assert sorted(named) == sorted(marks)
    assert len(drawn["layer"]) == 1 + len(marks)
