"""The principal reasons of a decision, from exact contributions and the bundle's reason codes.

A reason is a group of features whose contributions, above the baseline's, push towards refusal:
how far an applicant lies from those who were just approved (Regulation B, comment 9(b)(2)-5).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

from ..bundle.applicant import Floats, stand_in_of
from ..bundle.manifest import Manifest
from ..bundle.reasons import Code, Entry, ReasonCodes
from ..bundle.transform import falls
from ..engine.contributions import Contributions
from ..settings import Reasons as Wanted
from .outcome import Explanation, Outcome, Reason

Places = npt.NDArray[np.intp]
Sent = Callable[[], Sequence[Any]]
"""What the client sent, in the manifest's order, None where missing."""
APPROVED = "approve"
CONTRIBUTIONS = "contributions"


class Reasons:
    """Explains the outcomes of one model; belongs to one thread, as its contributions do."""

    def __init__(
        self, codes: ReasonCodes, manifest: Manifest, contributions: Contributions
    ) -> None:
        self.codes, self._contributions = codes, contributions
        self._names = [feature.name for feature in manifest.features]
        places = {name: place for place, name in enumerate(self._names)}
        self.members = [[places[name] for name in entry.features] for entry in codes.entries]
        self._entry_of = np.full(len(places), len(codes.entries), np.intp)
        for number, members in enumerate(self.members):
            self._entry_of[members] = number
        self._baseline = np.array(codes.baseline.contributions)
        self._falls = falls(manifest.transform)
        self._filled = [
            feature.zero_as_missing or stand_in_of(feature) == stand_in_of(feature)
            for feature in manifest.features
        ]
        missing = (entry.missing for entry in codes.entries if entry.missing)
        self.known = tuple(dict.fromkeys(code.code for code in (*codes.entries, *missing)))
        self.most, self.languages = codes.most, tuple(codes.entries[0].text)

    def explained(self, said: Outcome, wanted: Wanted, sent: Sent, language: str) -> Outcome:
        """Return the outcome with its explanation; unchanged if none is wanted."""
        if not is_due(said, wanted):
            return said
        found = self._contributions.of(np.frombuffer(said.row))[0]
        return self.told(said, found, wanted, sent, language)

    def told(
        self, said: Outcome, found: Floats, wanted: Wanted, sent: Sent, language: str
    ) -> Outcome:
        """Return the outcome with its explanation from its contributions [F + 1], if one is due."""
        if not is_due(said, wanted):
            return said
        is_refused = said.decision != APPROVED
        reasons = tuple(self._principal(said, found[:-1], sent, language)) if is_refused else ()
        made = Explanation(self.codes.version, reasons)
        if wanted == "all":
            made = with_contributions(made, self._names, found)
        return msgspec.structs.replace(said, explanation=made)

    def sent_by(self, codes: Collection[str]) -> list[float | None]:
        """Return stand-ins for what was sent: None where one of the codes says nothing was."""
        absent = {
            place
            for entry, members in zip(self.codes.entries, self.members, strict=True)
            if entry.missing is not None and entry.missing.code in codes
            for place in members
        }
        return [None if place in absent else 0.0 for place in range(len(self._names))]

    def totals(self, found: Floats) -> Floats:
        """Return what each entry adds above the baseline, [E] or [N, E], to contributions [F] or
        [N, F].
        """
        above = found - self._baseline
        if self._falls:
            above = -above
        bins = len(self.codes.entries) + 1  # the last is of features without an entry
        if found.ndim == 1:
            return sums(self._entry_of, above, bins)[:-1]
        places = self._entry_of + bins * np.arange(len(found))[:, None]
        totals = sums(places.ravel(), above.ravel(), len(found) * bins)
        return totals.reshape(len(found), bins)[:, :-1]

    def _principal(
        self, said: Outcome, found: Floats, sent: Sent, language: str
    ) -> Iterator[Reason]:
        totals = self.totals(found)
        largest = np.argsort(-totals, kind="stable")[: self.most].tolist()
        row = memoryview(said.row).cast("d")
        for rank, number in enumerate(largest, start=1):
            if (total := totals.item(number)) > 0:
                entry = self.codes.entries[number]
                code = self._code(entry, self.members[number], row, said.flags, sent)
                yield Reason(rank, code.code, code.text[language], entry.features, total)

    def _code(
        self, entry: Entry, members: Sequence[int], row: Sequence[float], flags: object, sent: Sent
    ) -> Code:
        """Return the code of an entry, or of what is missing: judged on what was sent."""
        if entry.missing is None:
            return entry
        if flags or any(self._filled[place] for place in members):
            values = sent()
            absent = all(values[place] is None for place in members)
        else:
            absent = all(row[place] != row[place] for place in members)
        return entry.missing if absent else entry


def sums(places: Places, values: Floats, count: int) -> Floats:
    """Return the sums [count] of the values at each place; numpy's types take them for counts."""
    return cast(Floats, np.bincount(places, values, count))


def is_due(said: Outcome, wanted: Wanted) -> bool:
    """Whether an outcome is explained: if all are, or if principal reasons are and it is no
    approval.
    """
    return wanted == "all" or (wanted == "principal" and said.decision != APPROVED)


def with_contributions(made: Explanation, names: Sequence[str], found: Floats) -> Explanation:
    """Return the explanation with every contribution [F + 1], by name."""
    *each, expectation = found.tolist()
    told = dict(zip(names, each, strict=True))
    return msgspec.structs.replace(made, contributions=told, expectation=expectation)


def contributions_alone(said: Outcome, names: Sequence[str], found: Floats) -> Outcome:
    """Return the outcome with its contributions [F + 1] and no reasons."""
    made = with_contributions(Explanation(), names, found)
    return msgspec.structs.replace(said, explanation=made)


def likeliest(said: Outcome) -> int:
    """Return which raw score is explained: of several classes the one that is predicted."""
    return int(np.argmax(said.prediction)) if isinstance(said.prediction, list) else 0
