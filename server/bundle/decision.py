"""The decision: compare a probability with the policy's thresholds."""

from collections.abc import Callable

from .manifest import Policy

Decide = Callable[[float], str]


def decider(policy: Policy) -> Decide:
    """Return a function from probability to `approve`, `refer` or `refuse`."""
    refuse_at, refer_from = policy.refuse_at, policy.refer_from
    if refer_from is None:
        return lambda p: "refuse" if p >= refuse_at else "approve"
    return lambda p: "refuse" if p >= refuse_at else "refer" if p >= refer_from else "approve"
