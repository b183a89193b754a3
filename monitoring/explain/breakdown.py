"""One decision broken down: from the score that is usual to its own, reason by reason."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ..bundle.manifest import Manifest, read_manifest
from ..bundle.reasons import Code, Entry
from ..log.record import ABSENT, Record
from .contributions import Contributions, contributions_of
from .forest import Floats
from .principal import Principal, principal_of
from .reference import Reference, reference_rows
from .usual import AMONG, named, neighbours, usual


class Step(NamedTuple):
    """What one reason adds towards a refusal, above what is usual."""

    entry: Entry
    code: Code
    amount: float


class Breakdown(NamedTuple):
    """Raw scores in the direction of a refusal: `usual` and all steps add up to `score`."""

    usual: float
    steps: list[Step]
    score: float


class Value(NamedTuple):
    """A feature of an applicant, what is usual, and what it adds above that."""

    feature: str
    code: str
    value: str
    usual: str
    amount: float


class Explained:
    """Breaks decisions of one bundle down. Raises BundleError."""

    def __init__(
        self, manifest: Manifest, contributions: Contributions, principal: Principal,
        reference: Reference | None,
    ) -> None:  # fmt: skip
        self.manifest, self.principal = manifest, principal
        self._contributions = contributions
        rules = (*policy.earlier, policy) if (policy := manifest.policy) else ()
        self.rule = next((each for each in rules if each.version == principal.codes.policy), None)
        kind = principal.codes.baseline.kind
        self.among = AMONG[kind]
        self._usual = [""] * len(manifest.features)
        if reference is not None and self.rule is not None:
            rows = neighbours(reference, self.rule, kind)
            self._usual = [usual(f, rows[:, i]) for i, f in enumerate(manifest.features)]

    def breakdown(self, record: Record) -> Breakdown:
        """Break one decision down, the largest steps first."""
        row = self._row(record)
        found = self._contributions.of(row)[0, 0]
        above = self.principal.above(found[None, :-1])
        totals = self.principal.totals(above)[0]
        sign, sent = self.principal.sign, sent_by(record)
        steps = [
            Step(entry, self.principal.codes_of(e, row[0], sent, bool(record.flags))[0], total)
            for e, (entry, total) in enumerate(
                zip(self.principal.codes.entries, totals.tolist(), strict=True)
            )
        ]
        steps.sort(key=lambda step: -abs(step.amount))
        score = sign * float(found.sum())
        return Breakdown(score - float(totals.sum()), steps, score)

    def values(self, record: Record) -> list[Value]:
        """Return the features of an applicant, those that add most towards a refusal first."""
        row, sent = self._row(record), sent_by(record)
        above = self.principal.above(self._contributions.of(row)[0, 0][None, :-1])[0].tolist()
        codes = {n: entry.code for entry in self.principal.codes.entries for n in entry.features}
        found = []
        for i, feature in enumerate(self.manifest.features):
            value = named(feature, float(row[0, i]))
            if sent is not None and sent.get(feature.name) is None:
                value = "missing"
            code = codes.get(feature.name, "")
            found.append(Value(feature.name, code, value, self._usual[i], above[i]))
        return sorted(found, key=lambda each: -each.amount)

    def _row(self, record: Record) -> Floats:
        return np.frombuffer(record.row or b"", "<f8")[None]


def sent_by(record: Record) -> dict[str, Any] | None:
    """Return what the client sent by feature; None for a row of numbers."""
    found = msgspec.json.decode(record.features) if record.features != ABSENT else None
    return found if isinstance(found, dict) else None


def explained_of(folder: Path, version: str | None = None) -> Explained | None:
    """Return what breaks the decisions of a bundle down, None if it has no such reasons.

    By the reason codes of a version, or by the present ones. Raises MonitoringError.
    """
    manifest = read_manifest(folder)
    principal = principal_of(folder, manifest, version)
    contributions = contributions_of(folder, manifest) if principal else None
    if principal is None or contributions is None:
        return None
    return Explained(manifest, contributions, principal, reference_rows(folder))
