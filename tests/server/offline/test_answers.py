"""Decisions of a column: those of one score at a time."""

import math

import numpy as np
import pytest

from server.bundle import decision
from server.bundle.manifest import Policy
from server.offline import answers


@pytest.mark.parametrize("refer_from", [None, 0.1, 0.25])
def test_a_column_of_decisions_is_that_of_each_alone(refer_from: float | None) -> None:
    policy = Policy("p", 0.25, refer_from)
    predictions = np.array([0.0, 0.1, np.nextafter(0.1, 0), 0.25, np.nextafter(0.25, 0), math.nan])
    decide, none = decision.decider(policy), np.zeros(6, bool)
    wanted = [decide(p) for p in predictions.tolist()]
    assert answers.decisions(policy, predictions, none).to_pylist() == wanted
    refused = np.arange(6) == 3
    found = answers.decisions(policy, predictions, refused).to_pylist()
    assert found == [*wanted[:3], None, *wanted[4:]]
    assert answers.decisions(None, predictions, none).to_pylist() == [None] * 6
