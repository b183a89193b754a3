"""The principal reasons of a recorded decision, found once more by the rules of the server.

In its order of operations: the same codes, and the same bits of what they add.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..bundle import reasons
from ..bundle.manifest import Feature, Manifest, content, read_manifest
from ..bundle.reasons import Code, Entry, ReasonCodes
from ..bundle.transform import falls
from .forest import Floats

APPROVED = "approve"


class Reason(NamedTuple):
    """A reason: `codes` has two where the record does not tell whether something was sent."""

    entry: Entry
    codes: tuple[Code, ...]
    contribution: float


class Principal:
    """Finds the reasons of refusals by the reason codes of one bundle."""

    def __init__(self, manifest: Manifest, codes: ReasonCodes) -> None:
        self.codes = codes
        places = {feature.name: i for i, feature in enumerate(manifest.features)}
        self._members = [[places[name] for name in entry.features] for entry in codes.entries]
        self._filled = [loses_missing(feature) for feature in manifest.features]
        self.sign = -1.0 if falls(manifest.transform) else 1.0
        self._baseline = np.array(codes.baseline.contributions)

    def above(self, contributions: Floats) -> Floats:
        """Return what each feature adds towards a refusal above the baseline: [N, F] of [N, F]."""
        above: Floats = self.sign * (contributions - self._baseline)
        return above

    def reasons(
        self, contributions: Floats, rows: Floats, sent: Sequence[dict[str, Any] | None],
        flagged: Sequence[bool],
    ) -> list[list[Reason]]:  # fmt: skip
        """Return the reasons of N refusals, the largest first.

        `contributions` [N, F] without the expectation, `rows` [N, F]. `sent` are the features as
        the client sent them, None where it sent a row of numbers; `flagged` where it was warned.
        """
        totals = self.totals(self.above(contributions))
        largest = np.argsort(-totals, axis=1, kind="stable")[:, : self.codes.most]
        return [
            [
                Reason(self.codes.entries[e], self.codes_of(e, row, values, flags), float(total[e]))
                for e in order
                if total[e] > 0
            ]
            for row, values, flags, total, order in zip(
                rows, sent, flagged, totals, largest.tolist(), strict=True
            )
        ]

    def totals(self, above: Floats) -> Floats:
        """Return [N, entries]: one feature added after the other, in the order of the server."""
        totals = np.zeros((len(above), len(self.codes.entries)))
        entries = {place: e for e, members in enumerate(self._members) for place in members}
        for place in sorted(entries):
            totals[:, entries[place]] += above[:, place]
        return totals

    def codes_of(
        self, number: int, row: Floats, sent: dict[str, Any] | None, flagged: bool
    ) -> tuple[Code, ...]:
        """Return the code of an entry, or that of nothing sent; both where nobody can tell."""
        entry, members = self.codes.entries[number], self._members[number]
        if entry.missing is None:
            return (entry,)
        if flagged or any(self._filled[place] for place in members):
            if sent is None:
                return entry, entry.missing
            absent = all(sent.get(name) is None for name in entry.features)
        else:
            absent = bool(np.isnan(row[members]).all())
        return (entry.missing if absent else entry,)


def loses_missing(feature: Feature) -> bool:
    """Whether the row does not tell a missing value from one that was sent."""
    return feature.zero_as_missing or feature.missing.policy in {"zero", "impute"}


def principal_of(
    folder: Path, manifest: Manifest | None = None, version: str | None = None
) -> Principal | None:
    """Return what finds the reasons of a bundle's decisions, None if it holds no such codes.

    By the codes of a version, which may have been replaced since, or by the present ones. Raises
    BundleError.
    """
    manifest = manifest or read_manifest(folder)
    for name in (reasons.NAME, reasons.kept_name(version or "")):
        if name in manifest.files:
            file = content(folder, manifest, name)
            codes = reasons.read(file, manifest, folder / name)
            if version in {None, codes.version}:
                return Principal(manifest, codes)
    return None
