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
    """

    version: str
    reasons: tuple[Reason, ...]
    contributions: dict[str, float] | UnsetType = UNSET
    expectation: float | UnsetType = UNSET


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """`raw` and `prediction` are floats, or lists of K; `row` is float64 [F] as bytes."""

    raw: Any
    prediction: Any
    decision: str | None
    flags: tuple[str, ...]
    row: bytes
    explanation: Explanation | None = None
