"""The outcome of scoring one applicant: answered and recorded as a whole."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class Reason(msgspec.Struct, frozen=True, gc=False):
    """A principal reason: `contribution` is what its features add to the raw score of a refusal.

    It counts from the baseline of the bundle's reason codes.
    """

    rank: int
    code: str
    text: str
    features: tuple[str, ...]
    contribution: float


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """The reasons of a decision, and what each feature contributes to the raw score if asked for.

    With the expectation, the contributions add up to the raw score (of a random forest: the mean).
    `version` is the reason codes', absent where the contributions alone are told.
    """

    version: str | UnsetType = UNSET
    reasons: tuple[Reason, ...] | UnsetType = UNSET
    contributions: dict[str, float] | UnsetType = UNSET
    expectation: float | UnsetType = UNSET

    def codes(self) -> list[str]:
        """Return the codes of the reasons, largest first."""
        return [each.code for each in self.reasons or ()]

    def numbers(self) -> list[float]:
        """Return the contributions in the manifest's order, then the expectation, if told."""
        if self.contributions is UNSET or self.expectation is UNSET:
            return []
        return [*self.contributions.values(), self.expectation]


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """`raw` and `prediction` are floats, or lists of K; `row` is float64 [F] as bytes."""

    raw: Any
    prediction: Any
    decision: str | None
    flags: tuple[str, ...]
    row: bytes
    explanation: Explanation | None = None
