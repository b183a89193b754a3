"""Counting: bins, missing, unseen, out of range; blocks add up to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.rows import binning
from monitoring.rows.columns import CATEGORY, NUMBER, UNSEEN, Column, count

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 365243.0, -1e300, 1e300]),
    st.floats(-1e300, 1e300),  # a gap wider than float64 holds is no column of credit
)


@pytest.mark.parametrize("rows", [11, 13, 30, 70, 90, 100, 333, 1000, 4999, 10_000])
def test_edges_are_the_deciles_that_numpy_finds(rows: int) -> None:
    values = np.random.default_rng(rows).permutation(rows).astype(float)
    deciles = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf")
    assert binning.edges_of(values).tolist() == np.unique(deciles[deciles > 0]).tolist()


def test_few_values_have_a_bin_each() -> None:
    edges = binning.edges_of(np.array([0.0] * 95 + [1.0] * 5))
    column = Column("x", NUMBER, edges)
    assert count(column, np.array([0.0, 0.0, 1.0])).bins.tolist() == [2, 1, 0]


def test_a_mass_of_zeros_has_a_bin_of_its_own() -> None:
    random = np.random.default_rng(0)
    values = np.where(random.random(1000) < 0.7, 0.0, random.normal(size=1000))
    column = Column("x", NUMBER, binning.edges_of(values))
    counts = count(column, values).bins
    zero = int(np.searchsorted(column.edges, 0.0, side="right"))
    assert counts[zero] == np.count_nonzero(values == 0.0)


def test_a_sentinel_is_found_and_left_out_of_the_range() -> None:
    days = np.append(np.arange(-1000.0, 0.0), [365243.0] * 5)
    assert binning.sentinels_of(days) == {365243.0: 5}
    column = Column("days", NUMBER, binning.edges_of(days), (), -1000.0, -1.0, (365243.0,))
    assert count(column, days).outside == 0


@settings(deadline=None)
@given(st.lists(st.one_of(VALUES, st.just(float("nan"))), max_size=200), st.integers(0, 200))
def test_counts_of_blocks_add_up(values: list[float], cut: int) -> None:
    column = Column("x", NUMBER, np.array([-1.0, 0.0, 5.0]), (), -10.0, 10.0, (365243.0,))
    whole = count(column, np.array(values))
    parts = count(column, np.array(values[:cut]))
    parts.add(count(column, np.array(values[cut:])))
    assert parts.bins.tolist() == whole.bins.tolist()
    assert (parts.outside, parts.rows) == (whole.outside, len(values))


def test_missing_stands_last_and_is_no_number() -> None:
    column = Column("x", NUMBER, np.array([1.0]))
    assert count(column, np.array([np.nan, 0.0, 1.0, np.inf])).bins.tolist() == [1, 2, 1]


def test_a_category_counts_unseen_apart_from_missing() -> None:
    column = Column("x", CATEGORY, np.array([]), ("a", "b"))
    codes = np.array([0.0, 1.0, 1.0, UNSEEN, np.nan, np.nan])
    assert count(column, codes).bins.tolist() == [1, 2, 1, 2]


def test_the_most_frequent_strange_values_are_remembered() -> None:
    column = Column("x", NUMBER, np.array([1.0]), (), 0.0, 2.0)
    found = count(column, np.array([1.0, 999.0, 999.0, -5.0]))
    assert found.outside == 3
    assert found.strange.most_common(1) == [(999.0, 2)]
