"""A batch: its applicants as they were sent, and rows and scores of those that are plain."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

import msgspec
import numpy as np
import numpy.typing as npt

from ..bundle.applicant import Floats
from ..bundle.predictions import Places
from .outcome import Outcome

Spans = npt.NDArray[np.int64]
Words = tuple[str | None, ...]


class Sent(Sequence[bytes]):
    """The applicants of an array in `body`, each where `spans` [N, 2] says."""

    def __init__(self, body: bytes, spans: Spans) -> None:
        self.body, self.spans = body, spans

    def __len__(self) -> int:
        return len(self.spans)

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> "Sent": ...
    def __getitem__(self, place: int | slice) -> "bytes | Sent":
        if isinstance(place, slice):
            return Sent(self.body, self.spans[place])
        begin, end = self.spans[place].tolist()
        return self.body[begin:end]

    def longest(self) -> int:
        """Return the length of the longest."""
        return int((self.spans[:, 1] - self.spans[:, 0]).max())


class Read(msgspec.Struct, frozen=True):
    """The applicants of a batch, and their rows [N, F].

    Those at the places `odd` have no row and are to be scored one by one; `warnings` are by place.
    """

    sent: Sent
    rows: Floats
    warnings: dict[int, tuple[str, ...]]
    odd: Sequence[int]


class Scored(msgspec.Struct, frozen=True):
    """Consecutive applicants of a batch, the first at place `first` of it.

    `rows` are [N, F], `raw` and `predictions` [N], `decided` [N] the places of their decisions in
    `decisions`; `warnings` are by place in the batch.
    """

    first: int
    sent: Sent
    rows: Floats
    raw: Floats
    predictions: Floats
    decided: Places
    decisions: Words
    warnings: Mapping[int, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.raw)

    def outcome(self, place: int) -> Outcome:
        """Return the outcome of one, by its place in the batch."""
        i = place - self.first
        decision = self.decisions[self.decided[i]]
        raw, prediction = self.raw[i].item(), self.predictions[i].item()
        warnings = self.warnings.get(place, ())
        return Outcome(raw, prediction, decision, warnings, self.rows[i].tobytes())

    def column(self, name: str) -> list[Any]:
        """Return `raw`, `prediction` or `decision` of all."""
        if name == "decision":
            return [self.decisions[place] for place in self.decided.tolist()]
        found: list[float] = (self.raw if name == "raw" else self.predictions).tolist()
        return found

    def part(self, begin: int, end: int) -> "Scored":
        """Return those from place `begin` up to `end` of the batch."""
        here = slice(begin - self.first, end - self.first)
        return Scored(
            begin, self.sent[here], self.rows[here], self.raw[here], self.predictions[here],
            self.decided[here], self.decisions, self.warnings,
        )  # fmt: skip
