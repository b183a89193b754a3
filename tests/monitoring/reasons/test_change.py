"""The test of homogeneity, against figures worked out by hand."""

import numpy as np
import pytest

from monitoring.reasons.change import homogeneity


def test_chi_squared_of_a_table_worked_out_by_hand() -> None:
    """[30, 70] and [50, 50]: 40 and 60 expected of each, so 2 * (100 / 40 + 100 / 60)."""
    found = homogeneity(np.array([[30, 70, 0], [50, 50, 0], [0, 0, 0]]))
    assert found.chi_squared == pytest.approx(25 / 3)
    assert found.freedom == 1
    assert found.p_value == pytest.approx(0.0038924, abs=1e-7)
    assert found.cramers_v == pytest.approx((25 / 3 / 200) ** 0.5)


def test_one_code_alone_says_nothing() -> None:
    assert homogeneity(np.array([[30], [50]])).p_value == 1.0
    assert homogeneity(np.array([[30, 20], [0, 0]])).p_value == 1.0
