"""The decision threshold: given, or the one that costs least on labelled rows."""

from dataclasses import dataclass

import numpy as np

from .errors import OptionError
from .tree import Floats

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class Costs:
    """The price of a missed default (`fn`) and of a good applicant refused (`fp`)."""

    fn: float
    fp: float


@dataclass(frozen=True)
class Policy:
    """Refuse at this probability and above; `chosen` says how it came about."""

    refuse_at: float
    chosen: dict[str, object]


def given(threshold: float) -> Policy:
    """Take the user's threshold; raises OptionError outside 0 to 1."""
    if not 0.0 <= threshold <= 1.0:
        raise OptionError(f"--threshold wants a probability from 0 to 1, got {threshold}")
    return Policy(threshold, {"by": "given"})


def by_default() -> Policy:
    """Take one half, and say that nobody chose it."""
    return Policy(DEFAULT_THRESHOLD, {"by": "default"})


def by_cost(probability: Floats, label: Floats, costs: Costs) -> Policy:
    """Choose the threshold that minimises `fn * missed + fp * refused good`, over the given rows.

    Candidates are the predictions themselves; of equals the highest, which refuses fewest. Raises
    OptionError for labels other than 0 and 1.
    """
    if not np.isin(label, (0, 1)).all() or len(np.unique(label)) < 2:
        raise OptionError("--cost-fn and --cost-fp want labels 0 and 1, both present")
    order = np.argsort(-probability, kind="stable")
    score, bad = probability[order], label[order]
    refused_good, caught_bad = np.cumsum(1 - bad), np.cumsum(bad)
    cost = costs.fn * (bad.sum() - caught_bad) + costs.fp * refused_good
    last_of_score = np.append(score[1:] != score[:-1], True)
    candidates = np.flatnonzero(last_of_score)
    best = candidates[np.argmin(cost[candidates])]
    return Policy(float(score[best]), _chosen(costs, float(cost[best]), len(label)))


def _chosen(costs: Costs, cost: float, rows: int) -> dict[str, object]:
    return {
        "by": "cost",
        "cost_fn": costs.fn,
        "cost_fp": costs.fp,
        "rows": rows,
        "cost_per_row": cost / rows,
    }
