"""The statistics behind a verdict, held to their definitions and to other libraries."""

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, mannwhitneyu

from monitoring.drift import statistics


def test_psi_is_the_credit_conventions_sum() -> None:
    """Written out by hand, on counts so large that the smoothing vanishes."""
    reference, current = (
        np.array([500_000, 300_000, 200_000]),
        np.array([400_000, 350_000, 250_000]),
    )
    by_hand = sum(
        (q - p) * log(q / p) for p, q in zip((0.5, 0.3, 0.2), (0.4, 0.35, 0.25), strict=True)
    )
    assert statistics.psi(reference, current) == pytest.approx(by_hand, rel=1e-4)


def test_an_empty_bin_has_a_finite_psi() -> None:
    found = statistics.psi(np.array([100, 0]), np.array([90, 10]))
    assert 0.2 < found < 1.0


@given(
    st.lists(st.integers(0, 10_000), min_size=2, max_size=12),
    st.lists(st.integers(0, 10_000), min_size=2, max_size=12),
)
def test_psi_is_symmetric_and_never_negative(one: list[int], other: list[int]) -> None:
    size = min(len(one), len(other))
    p, q = np.array(one[:size]), np.array(other[:size])
    assert statistics.psi(p, q) == pytest.approx(statistics.psi(q, p))
    assert statistics.psi(p, q) >= 0


def test_the_critical_value_knows_both_sample_sizes() -> None:
    """Ten times the rows, a tenth of the threshold; the smaller side decides."""
    small = statistics.distance(np.full(10, 100), np.full(10, 100), 0.01)
    large = statistics.distance(np.full(10, 1000), np.full(10, 1000), 0.01)
    lopsided = statistics.distance(np.full(10, 10**6), np.full(10, 100), 0.01)
    assert small.critical == pytest.approx(10 * large.critical)
    assert lopsided.critical == pytest.approx(small.critical / 2, rel=1e-3)


@pytest.mark.parametrize(("n", "m"), [(1000, 1000), (1000, 20_000), (20_000, 500)])
def test_chance_crosses_the_critical_value_as_often_as_alpha_says(n: int, m: int) -> None:
    random = np.random.default_rng(n + m)
    shares = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02])
    runs = 4000
    crossed = 0
    for p, q in zip(
        random.multinomial(n, shares, runs), random.multinomial(m, shares, runs), strict=True
    ):
        found = statistics.distance(p, q, 0.05)
        crossed += found.psi > found.critical
    assert 0.03 < crossed / runs < 0.07


def test_the_p_value_is_that_of_pearsons_test_for_a_small_shift() -> None:
    """To first order the scaled PSI is Pearson's statistic of the two rows of counts."""
    p, q = np.array([5000, 3000, 2000]), np.array([4850, 3080, 2070])
    pearson = chi2_contingency(np.array([p, q]), correction=False).pvalue
    assert statistics.distance(p, q, 0.01).p_value == pytest.approx(pearson, rel=0.01)


def test_bins_empty_on_both_sides_do_not_count() -> None:
    full = statistics.distance(np.array([50, 50]), np.array([40, 60]), 0.01)
    padded = statistics.distance(np.array([50, 0, 50, 0]), np.array([40, 0, 60, 0]), 0.01)
    assert padded == full


def test_a_rate_is_compared_by_the_pooled_z_test() -> None:
    """Its square is Pearson's statistic of the table of two by two."""
    table = np.array([[20, 980], [60, 1040]])
    known = chi2_contingency(table, correction=False).pvalue
    assert statistics.rate(20, 1000, 60, 1100).p_value == pytest.approx(known)


def test_nothing_to_compare_is_no_drift() -> None:
    assert statistics.rate(0, 0, 5, 10).p_value == 1.0
    assert statistics.distance(np.zeros(3, np.int64), np.array([1, 2, 3]), 0.01).p_value == 1.0


def test_leaving_the_range_has_the_exceedance_law() -> None:
    """Of 3 new among 3 + 4 values, all orders equally likely: counted out."""
    # Outside on either side: the new values hold the first i and the last k - i ranks.
    exactly = {k: (k + 1) * comb(5 - k, 2) / comb(7, 3) for k in range(4)}
    assert sum(exactly.values()) == pytest.approx(1.0)
    for k in range(1, 4):
        at_least = sum(exactly[j] for j in range(k, 4))
        assert statistics.outside(k, 3, 4) == pytest.approx(at_least)


def test_two_values_out_of_range_are_no_news_and_a_hundred_are() -> None:
    assert statistics.outside(2, 1000, 10_000) > 0.001
    assert statistics.outside(100, 1000, 10_000) < 1e-9


def test_a_shift_of_ranks_is_mann_whitneys() -> None:
    """Against scipy's, on the values themselves, ties and all."""
    random = np.random.default_rng(3)
    one, other = random.integers(0, 8, 400), random.integers(1, 9, 300)
    known = mannwhitneyu(other, one, use_continuity=False, method="asymptotic")
    found = statistics.location(np.bincount(one, minlength=9), np.bincount(other, minlength=9))
    assert found.p_value == pytest.approx(known.pvalue)
    assert found.superiority == pytest.approx(known.statistic / (400 * 300))


def test_one_bin_or_no_rows_have_no_shift() -> None:
    assert statistics.location(np.array([10]), np.array([20])) == statistics.NO_SHIFT
    assert statistics.location(np.array([1, 2]), np.array([0, 0])) == statistics.NO_SHIFT
