"""How often each reason code was answered: by model, policy, period, segment and decision."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..explain.principal import APPROVED

OTHERS = "(others)"
KEY = ("model", "version", "policy")
MOST_CODES = 1000
"""Distinct codes that are counted by themselves: a log that was tampered with may hold any."""
Texts = Callable[[pa.RecordBatch], list[str]]
Key = tuple[str, str, str]


@dataclass
class Tally:
    """Counts of some records; `named` and `first` by (decision, code).

    `decided` counts all decisions, `explained` those that came with reasons. A code counts as
    `named` once for each decision that names it, and as `first` where it is the largest.
    """

    decided: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add the counts of other records."""
        self.decided.update(other.decided)
        self.explained.update(other.explained)
        self.named.update(other.named)
        self.first.update(other.first)

    def enter(self, decision: str, codes: list[str]) -> None:
        """Count the reasons of one decision, the largest first."""
        if not codes or decision == APPROVED:
            return
        self.explained[decision] += 1
        self.first[decision, codes[0]] += 1
        self.named.update((decision, code) for code in dict.fromkeys(codes))

    @property
    def rows(self) -> int:
        """The number of decisions that came with reasons."""
        return self.explained.total()

    def of_code(self, code: str) -> int:
        """Return how many decisions name a code."""
        return sum(count for (_, named), count in self.named.items() if named == code)

    def first_codes(self) -> Counter[str]:
        """Return how often each code is the largest, over all decisions."""
        found: Counter[str] = Counter()
        for (_, code), count in self.first.items():
            found[code] += count
        return found

    def codes(self) -> list[str]:
        """Return all codes, the most frequent first."""
        found = {code for _, code in self.named}
        return sorted(found, key=lambda code: (-self.of_code(code), code))


class Tallies:
    """Counts batches of the log; each is looked at once.

    `parts` say what a record is counted under besides its model, version and policy: the period
    it is of, or a segment. `by[i]` has the tallies of `parts[i]`.
    """

    def __init__(self, *parts: Texts) -> None:
        self._parts = parts
        self.by: list[dict[Key, dict[str, Tally]]] = [{} for _ in parts]
        self.versions: dict[Key, Counter[str]] = {}
        self._codes: set[str] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the answered decisions of a batch."""
        decided = batch.filter(
            pc.and_(pc.equal(batch["kind"], "score"), pc.is_valid(batch["decision"]))
        )
        if not decided.num_rows:
            return
        named = (pc.fill_null(decided[name], "").to_pylist() for name in KEY)
        keys: list[Key] = list(zip(*named, strict=True))
        told = decided["reasons"].to_pylist()
        decisions = decided["decision"].to_pylist()
        for key, version, codes in zip(
            keys, decided["reasons_version"].to_pylist(), told, strict=True
        ):
            if codes:
                self.versions.setdefault(key, Counter())[version or ""] += 1
        for part, tallies in zip(self._parts, self.by, strict=True):
            for key, name, decision, reasons in zip(
                keys, part(decided), decisions, told, strict=True
            ):
                tally = tallies.setdefault(key, {}).setdefault(name, Tally())
                tally.decided[decision] += 1
                tally.enter(decision, [self._known(each["code"]) for each in reasons or ()])

    def _known(self, code: str) -> str:
        if code not in self._codes and len(self._codes) >= MOST_CODES:
            return OTHERS
        self._codes.add(code)
        return code


def period(by: str) -> Texts:
    """Return what names the hour, day or week (by its Monday) that each record is of, UTC."""
    unit = "h" if by == "hour" else "D"

    def named(batch: pa.RecordBatch) -> list[str]:
        times = pc.floor_temporal(batch["time"].cast(pa.timestamp("us")), unit=by)
        moments = times.to_numpy(zero_copy_only=False).astype(f"datetime64[{unit}]")
        return [str(moment) for moment in np.datetime_as_string(moments).tolist()]

    return named
