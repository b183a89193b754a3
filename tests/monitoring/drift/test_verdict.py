"""The order of concern, the bands and what they rest on."""

from dataclasses import replace

import numpy as np
import pytest

from monitoring.dashboard.charts import bin_names, distributions
from monitoring.dashboard.decision import standing
from monitoring.drift.compare import band
from monitoring.drift.result import Bins, Settings
from monitoring.drift.verdict import Verdict
from monitoring.rows.columns import CATEGORY, NUMBER, Column, Counts
from monitoring.rows.reference import Reference
from monitoring.rows.tally import Tally

NO_EDGES = np.array([])
QUIET = np.array([5000, 5000, 0])


def verdict(*columns: tuple[Column, list[int]], settings: Settings | None = None) -> Verdict:
    """Compare columns whose reference is even with the given counts."""
    plain = tuple(column for column, _ in columns)
    before = Tally([Counts(QUIET.copy()) for _ in plain], np.zeros(1, np.int64), rows=10_000)
    now = Tally([Counts(np.array(c)) for _, c in columns], np.zeros(1, np.int64), rows=10_000)
    return Verdict(Reference(plain, NO_EDGES, before), now, settings or Settings())


def column(name: str, importance: float, used: bool = True) -> Column:
    return Column(name, NUMBER, np.array([0.0]), importance=importance, used=used)


def test_the_larger_band_comes_first_then_what_moves_the_score() -> None:
    large, moderate, small = [9000, 1000, 0], [7000, 3000, 0], [5500, 4500, 0]
    found = verdict(
        (column("steady", 0.9), [5000, 5000, 0]),
        (column("small but heavy", 0.5), small),
        (column("large but light", 0.001), large),
        (column("moderate and light", 0.01), moderate),
        (column("moderate and heavy", 0.3), moderate),
        (column("moderate, unused", 0.0, used=False), moderate),
    )
    assert [c.name for c in found.columns] == [
        "large but light", "moderate and heavy", "moderate and light", "moderate, unused",
        "small but heavy", "steady",
    ]  # fmt: skip
    assert (found.status, found.level) == ("drift", "large")


def test_a_certain_trifle_is_no_drift() -> None:
    """A million rows on each side: significant beyond doubt, and of no concern."""
    one = column("x", 1.0)
    before = Tally([Counts(QUIET * 100)], np.zeros(1, np.int64), rows=1_000_000)
    now = Tally([Counts(np.array([510_000, 490_000, 0]))], np.zeros(1, np.int64), rows=1_000_000)
    found = Verdict(Reference((one,), NO_EDGES, before), now, Settings())
    assert found.columns[0].p_value < 1e-9
    assert found.status == "stable"
    found = Verdict(Reference((one,), NO_EDGES, before), now, Settings(min_psi=0.0001))
    assert found.status == "drift"


def test_a_large_psi_of_few_rows_is_no_drift() -> None:
    one = column("x", 1.0)
    before = Tally([Counts(np.array([100, 100, 0]))], np.zeros(1, np.int64), rows=200)
    now = Tally([Counts(np.array([125, 75, 0]))], np.zeros(1, np.int64), rows=200)
    found = Verdict(Reference((one,), NO_EDGES, before), now, Settings())
    assert found.columns[0].psi > 0.05
    assert found.status == "stable"


@pytest.mark.parametrize(
    ("psi", "name"), [(0.02, "small"), (0.1, "moderate"), (0.2499, "moderate"), (0.25, "large")]
)
def test_bands_are_those_of_the_credit_convention(psi: float, name: str) -> None:
    assert band(psi, Settings()) == name


def test_one_more_column_asks_for_more_certainty() -> None:
    """Bonferroni over all that is asked."""
    one = verdict((column("x", 1.0), [5100, 4900, 0]))
    many = verdict(*((column(f"x{i}", 1.0), [5100, 4900, 0]) for i in range(50)))
    assert many.columns[0].critical > one.columns[0].critical


def test_a_value_is_placed_among_the_reference() -> None:
    """What the decision page says of a value."""
    kind = Column("kind", CATEGORY, NO_EDGES, ("a",))
    found = verdict((column("x", 1.0), [4000, 4000, 2000]), (kind, [9000, 500, 500]))
    x, kind_drift = (next(c for c in found.columns if c.name == n) for n in ("x", "kind"))
    assert standing(x, -1.0) == "rank 0% to 50%"
    assert standing(x, 3.0) == "rank 50% to 100%"
    assert standing(x, None) == "missing in 0.0%"
    assert standing(kind_drift, "a") == "50.0% of rows"
    assert standing(kind_drift, "z") == "never seen"


def test_a_reference_can_be_an_earlier_period() -> None:
    found = verdict((column("x", 1.0), [9000, 1000, 0]))
    moved = found.current
    reference = Reference((column("x", 1.0),), NO_EDGES, found.reference)
    again = Verdict(reference.against(moved), replace(moved), Settings())
    assert again.status == "stable"


def test_bins_are_named_as_people_write_numbers() -> None:
    counts = [1, 1, 1, 0]
    assert bin_names(Bins(counts, counts, edges=[12_500.0, 1_612_345.0])) == [
        "under 12,500", "12,500 to 1,610,000", "1,610,000 and over", "(missing)"
    ]  # fmt: skip
    near = bin_names(Bins(counts, counts, edges=[0.12345, 0.12346]))
    assert near[:2] == ["under 0.12345", "0.12345 to 0.12346"]
    assert bin_names(Bins([1, 2, 0], [1, 2, 0], labels=["a"])) == ["a", "(unseen)", "(missing)"]


def test_a_category_of_many_levels_shows_the_commonest_and_the_rest_in_one() -> None:
    """A label in three under a chart of sixty bars tells nobody what moved."""
    labels = [f"kind {i}" for i in range(58)]
    counts = [*range(1, 59), 0, 0]
    chart = distributions(Bins(counts, counts[::-1], labels=labels), "kind").to_dict()
    (rows,) = chart["datasets"].values()
    shown = [row for row in rows if row["side"] == "reference"]
    assert len(shown) == 21
    assert shown[-1]["bin"] == "(40 others)"
    assert sum(row["share"] for row in shown) == pytest.approx(1.0)
