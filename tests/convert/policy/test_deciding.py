"""A policy that refuses almost everybody, or almost nobody, is pointed out with its figures."""

import numpy as np
import pytest

from convert.policy.deciding import warnings
from convert.policy.policy import Costs, Policy, by_cost, given

SCORES = np.linspace(0.1, 0.9, 1_000)
LABELS = (np.arange(1_000) % 4 == 0).astype(np.float64)


@pytest.mark.parametrize("threshold", [0.05, 0.95])
def test_a_threshold_that_treats_all_alike_is_pointed_out_with_the_way_out(
    threshold: float,
) -> None:
    policy = Policy(threshold, given(threshold).chosen, refuses="good")
    (warning,) = warnings(policy, SCORES, LABELS)
    share = "100.0%" if threshold < 0.1 else "0.0%"
    assert f"refuses {share} of 1000 reference rows, of which 25.0% are labelled bad" in warning
    assert "Is --bad the right class (the probability is of 'good')?" in warning


def test_costs_that_refuse_everybody_are_shown() -> None:
    (warning,) = warnings(by_cost(SCORES, LABELS, Costs(1_000.0, 1.0)), SCORES, LABELS)
    assert "Check --cost-fn 1000" in warning
    assert "--threshold" in warning


def test_a_policy_that_tells_applicants_apart_gets_no_warning() -> None:
    assert warnings(given(0.5), SCORES, LABELS) == []
