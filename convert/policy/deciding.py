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

# A policy that refuses less than this share of the rows, or approves less, is hardly meant.
EXTREME = 0.01
NO_POLICY = (
    "no policy: without --threshold, or --cost-fn and --cost-fp, answers give the probability and "
    "no decision"
)


def choose_policy(
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
    progress(describe_policy(policy, probability, auc))
    if probability is not None:
        for warning in warnings(policy, probability, outcome):
            progress(warning)
    return policy


def warnings(policy: Policy, probability: Floats, outcome: Floats | None = None) -> list[str]:
    """Warn of a policy that refuses almost all of the reference rows, or almost none.

    `probability` [N] are their scores, `outcome` [N] their labels (1 bad), if there are any.
    """
    share = policy.refused(probability)
    if EXTREME <= share <= 1.0 - EXTREME:
        return []
    rows = f"{share:.1%} of {len(probability)} reference rows"
    bad = "" if outcome is None else f", of which {float(outcome.mean()):.1%} are labelled bad"
    how = policy.chosen
    if how["by"] == "cost":
        out = (
            f"Check --cost-fn {how['cost_fn']:g} (approving a bad applicant) and --cost-fp "
            f"{how['cost_fp']:g} (refusing a good one), or choose a --threshold"
        )
    else:
        of = "(--bad 0 if label 1 is the good one)"
        if policy.refuses is not None:
            of = f"(the probability is of {policy.refuses!r})"
        out = f"Is --bad the right class {of}? If so, choose another --threshold"
    return [f"WARNING: this policy refuses {rows}{bad}. {out}"]


def describe_policy(policy: Policy, probability: Floats | None, auc: float | None) -> str:
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
