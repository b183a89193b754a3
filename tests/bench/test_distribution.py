"""Quantiles are measured or not shown."""

from bench.distribution import median, quantiles, spread


def test_a_quantile_needs_ten_samples_above_it() -> None:
    known = quantiles([float(each) for each in range(1000)], "us")
    assert known["p99_us"] == 990.0
    assert known["p999_us"] is None
    assert known["samples"] == 1000


def test_an_outlier_is_never_interpolated_away() -> None:
    """Of 1,000 samples eleven are slow, and p99 is one of them."""
    assert quantiles([1.0] * 989 + [500.0] * 11, "us")["p99_us"] == 500.0


def test_a_median_over_rounds_needs_every_round() -> None:
    """Over some rounds alone, p99 could come out below p90."""
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([None, 3.0]) is None
    assert median([]) is None


def test_the_spread_is_relative_to_the_median() -> None:
    assert spread([9.0, 10.0, 12.0]) == 0.3
    assert spread([0.0, 0.0]) == 0.0
