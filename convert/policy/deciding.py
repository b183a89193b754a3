"""Choose the policy, check it against the labels, and describe its effect on the reference rows."""

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
    "no policy: without --threshold, or --cost-fn and --cost-fp, answers give the probability and "
    "no decision"
)


def decided(
    choice: PolicyChoice, task: Task, meaning: Meaning, rows: Rows | None, scores: Scores | None,
    progress: Progress,
) -> Policy | None:  # fmt: skip
    """Return the policy, or None if none is wanted; raises OptionError.

    It also raises OptionError if the labels contradict the scores.
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
    """Describe the policy: its rule, the reason for it, and the share of reference rows it
    refuses.
    """
    how = policy.chosen
    why = ""
    if how["by"] == "cost":
        why = (
            f", the cheapest at costs of {how['cost_fn']:g} for approving a bad applicant and "
            f"{how['cost_fp']:g} for refusing a good one: {how['cost_per_row']:.6g} per row"
        )
    refer = "" if policy.refer_from is None else f", refer from {policy.refer_from!r} on"
    said = f"policy: refuse from {policy.refuse_at!r} on{refer}{why}"
    if probability is None:
        return said
    share = f"{policy.refused(probability):.1%} of {len(probability)} reference rows refused"
    return f"{said}; {share}" + ("" if auc is None else f"; AUC {auc:.3f}")
