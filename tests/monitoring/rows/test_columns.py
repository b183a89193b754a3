"""Counting: bins, missing, unseen, out of range; blocks add up to the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convert.bundle import profile
from monitoring.rows import binning
from monitoring.rows.columns import CATEGORY, NUMBER, UNSEEN, Column, Floats, count

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 365243.0, -1e300, 1e300]),
    st.floats(-1e300, 1e300),  # a gap wider than float64 holds is no column of credit
)


@settings(max_examples=300, deadline=None)
@given(arrays(np.float64, st.integers(1, 300), elements=VALUES))
def test_conversion_and_monitoring_bin_alike(
    values: Floats,
) -> None:
    """docs/bundle.md has the rule; two folders follow it."""
    assert binning.edges_of(values).tolist() == profile.edges_of(values).tolist()
    theirs = {s["value"]: s["count"] for s in profile.sentinels_of(values)}
    assert binning.sentinels_of(values) == theirs


@pytest.mark.parametrize("rows", [11, 13, 30, 70, 100, 333, 1000, 4999, 10_000])
def test_deciles_agree_at_every_size(rows: int) -> None:
    values = np.random.default_rng(rows).permutation(rows).astype(float)
    assert binning.edges_of(values).tolist() == profile.edges_of(values).tolist()


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
