"""How the long forms judge what they measured on a machine that changes its speed."""

import pytest

from tests.long.server_long import LEAST_STEADY, goodput


def test_a_round_counts_against_the_capacity_around_it() -> None:
    """The mean of before and after."""
    shares = goodput([100.0, 105.0] * LEAST_STEADY + [100.0], [82.0] * 2 * LEAST_STEADY)
    assert shares == [0.8] * 2 * LEAST_STEADY


def test_a_round_in_which_the_machine_changed_its_speed_is_left_out() -> None:
    """However good or bad it was."""
    steady = [100.0] * (LEAST_STEADY + 1)
    assert goodput([*steady, 60.0], [90.0] * LEAST_STEADY + [10.0]) == [0.9] * LEAST_STEADY
    assert goodput([*steady, 160.0], [90.0] * LEAST_STEADY + [150.0]) == [0.9] * LEAST_STEADY


def test_too_few_steady_rounds_are_no_result() -> None:
    """Neither a good one nor a bad one."""
    with pytest.raises(SystemExit, match=f"kept its speed in 0 of 3 rounds.* {LEAST_STEADY}"):
        goodput([100.0, 50.0, 100.0, 50.0], [90.0] * 3)
