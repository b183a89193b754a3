"""The decision: compare a probability with the policy's thresholds."""

from collections.abc import Callable

from .manifest import Manifest, Rule

Decide = Callable[[float], str]


def decider(policy: Rule) -> Decide:
    """Return a function from probability to `approve`, `refer` or `refuse`."""
    refuse_at, refer_from = policy.refuse_at, policy.refer_from
    if refer_from is None:
        return lambda p: "refuse" if p >= refuse_at else "approve"
    return lambda p: "refuse" if p >= refuse_at else "refer" if p >= refer_from else "approve"


def rules_of(manifest: Manifest) -> dict[str | None, Rule | None]:
    """Return every rule that the bundle decided by, by its version; None decides nothing."""
    policy = manifest.policy
    rules = (*policy.earlier, policy) if policy else ()
    return {None: None} | {rule.version: rule for rule in rules}
