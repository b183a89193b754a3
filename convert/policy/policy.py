"""The decision policy: a threshold given by the user, or the cheapest one on labelled rows."""

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import OptionError
from ..model.tree import Floats
from ..read.classes import Label


@dataclass(frozen=True)
class Costs:
    """The cost of approving a bad applicant (`fn`) and of refusing a good one (`fp`)."""

    fn: float
    fp: float


@dataclass(frozen=True)
class Policy:
    """Refuse from `refuse_at` on, refer from `refer_from` on; `chosen` says how they were
    chosen.
    """

    refuse_at: float
    chosen: dict[str, object]
    refer_from: float | None = None
    refuses: Label | None = None

    @property
    def version(self) -> str:
        """The rule as text, so that two different rules never have the same version."""
        refer = "" if self.refer_from is None else f"refer>={self.refer_from!r} "
        return f"{refer}refuse>={self.refuse_at!r}"

    def refused(self, probability: Floats) -> float:
        """Return the share of `[N]` probabilities that are refused."""
        return float((probability >= self.refuse_at).mean())

    def decisions(self, probability: Floats) -> dict[str, int]:
        """Count the decisions on `[N]` probabilities."""
        refuse = int((probability >= self.refuse_at).sum())
        if self.refer_from is None:
            return {"approve": len(probability) - refuse, "refuse": refuse}
        refer = int((probability >= self.refer_from).sum()) - refuse
        return {"approve": len(probability) - refuse - refer, "refer": refer, "refuse": refuse}


def given(threshold: float) -> Policy:
    """Return the policy for the user's threshold; raises OptionError outside 0 to 1."""
    if not 0.0 <= threshold <= 1.0:
        raise OptionError(f"--threshold: wanted a probability from 0 to 1, got {threshold}")
    return Policy(threshold + 0.0, {"by": "given"})


def referring(policy: Policy, refer_from: float | None) -> Policy:
    """Return the policy with a referral range; raises OptionError if that range is empty."""
    if refer_from is None:
        return policy
    if not 0.0 <= refer_from < policy.refuse_at:
        raise OptionError(
            f"--refer-from: wanted a probability from 0 to below the threshold "
            f"{policy.refuse_at!r}, got {refer_from}"
        )
    return replace(policy, refer_from=refer_from + 0.0)


def by_cost(probability: Floats, label: Floats, costs: Costs) -> Policy:
    """Choose the threshold that minimises `fn * approved bad + fp * refused good` on the
    given rows.

    The candidates are the predictions themselves and the next number above the largest, which
    refuses nobody. Among equal costs the highest threshold wins, which refuses the fewest. `label`
    [N] is 0 or 1; raises OptionError if only one of them occurs.
    """
    if len(np.unique(label)) < 2:
        raise OptionError("--cost-fn and --cost-fp need both good and bad labels")
    order = np.argsort(-probability, kind="stable")
    score, bad = probability[order], label[order]
    refused_good, caught_bad = np.cumsum(1 - bad), np.cumsum(bad)
    cost = costs.fn * (bad.sum() - caught_bad) + costs.fp * refused_good
    last_of_score = np.append(score[1:] != score[:-1], True)
    candidates = np.flatnonzero(last_of_score)
    best = candidates[np.argmin(cost[candidates])]
    least, threshold = float(cost[best]), float(score[best])
    nobody = costs.fn * float(bad.sum())
    if nobody <= least and score[0] < 1.0:
        least, threshold = nobody, math.nextafter(float(score[0]), 2.0)
    return Policy(threshold, _chosen(costs, least, len(label)))


def _chosen(costs: Costs, cost: float, rows: int) -> dict[str, object]:
    return {
        "by": "cost",
        "cost_fn": costs.fn,
        "cost_fp": costs.fp,
        "rows": rows,
        "cost_per_row": cost / rows,
    }
