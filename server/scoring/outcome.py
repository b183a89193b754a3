"""The outcome of scoring one applicant: answered and recorded as a whole."""

from typing import Any

import msgspec


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """`raw` and `prediction` are floats, or lists of K; `row` is float64 [F] as bytes."""

    raw: Any
    prediction: Any
    decision: str | None
    flags: tuple[str, ...]
    row: bytes
