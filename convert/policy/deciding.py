"""The policy chosen, checked against the labels, and told with what it does to the rows."""

from dataclasses import replace

from ..model.objective import Task
from ..model.rows import Rows
from ..model.tree import Floats
from ..prove.verify import Progress
from ..read.classes import Meaning
from .policy import Policy
from .quality import area, check_direction
from .scores import PolicyChoice, Scores

NO_POLICY = (
    "no policy: neither --threshold nor --cost-fn and --cost-fp, so answers carry the probability "
    "and no decision"
)


def decided(
    choice: PolicyChoice, task: Task, meaning: Meaning, rows: Rows | None, scores: Scores | None,
    progress: Progress,
) -> Policy | None:  # fmt: skip
    """Return the policy, None without one; raises OptionError.

    That is also where labels contradict the scores.
    """
    if task != "binary":
        return None
    probability = scores.prediction[:, 0] if scores is not None else None
    outcome = rows.label if rows is not None else None
    auc = None
    if probability is not None and outcome is not None:
        auc = area(probability, outcome)
        if auc is not None:
            check_direction(auc, outcome, meaning)
    policy = choice.follow(rows, scores)
    if policy is None:
        progress(NO_POLICY if auc is None else f"{NO_POLICY}; AUC {auc:.3f}")
        return None
    policy = replace(policy, refuses=meaning.bad)
    progress(told(policy, probability, auc))
    return policy


def told(policy: Policy, probability: Floats | None, auc: float | None) -> str:
    """Say the policy, why, and what it does to the reference rows."""
    how = policy.chosen
    why = ""
    if how["by"] == "cost":
        why = (
            f", the cheapest at {how['cost_fn']:g} for a bad one approved and {how['cost_fp']:g} "
            f"for a good one refused: {how['cost_per_row']:.6g} a row"
        )
    refer = "" if policy.refer_from is None else f", refer from {policy.refer_from!r} on"
    said = f"policy: refuse from {policy.refuse_at!r} on{refer}{why}"
    if probability is None:
        return said
    share = f"{policy.refused(probability):.1%} of {len(probability)} reference rows refused"
    return f"{said}; {share}" + ("" if auc is None else f"; AUC {auc:.3f}")
