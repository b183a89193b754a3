"""Refused requests, counted: those refused with 422 by feature and fault, others by status."""

from collections import Counter
from typing import TypeVar

import msgspec
import pyarrow as pa

STATUS = 422
KEPT = 1000
"""How many distinct faults are remembered, the most frequent ones."""
LONGEST = 200
Key = TypeVar("Key")


class SaidFault(msgspec.Struct):
    """What a record of a refused request says of one feature."""

    feature: str = ""
    wanted: str = ""


class RefusedTally:
    """Counts what one model answered and refused; memory does not grow with it."""

    def __init__(self) -> None:
        self.requests = self.answered = 0
        self.faults: Counter[tuple[str, str]] = Counter()
        self.features: Counter[str] = Counter()
        self.others: Counter[int] = Counter()
        self._decoder = msgspec.json.Decoder(list[SaidFault])

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the records of refused requests; a fault once a request."""
        self.requests += batch.num_rows
        for text in batch["faults"].drop_null().to_pylist():
            said = self._said(text)
            self.faults.update(said)
            self.features.update(list(dict.fromkeys(feature for feature, _ in said)))
        self.faults = _most(self.faults)
        self.features = _most(self.features)

    def add_others(self, statuses: pa.Array) -> None:
        """Count requests refused with another status: their bodies were never looked into."""
        self.others.update(statuses.drop_null().to_pylist())

    def _said(self, text: str) -> list[tuple[str, str]]:
        """Return the faults of a record, each once; none of a record that tells them otherwise."""
        try:
            faults = ((f.feature, f.wanted[:LONGEST]) for f in self._decoder.decode(text))
            return list(dict.fromkeys(faults))
        except msgspec.DecodeError:
            return []


def _most(counted: Counter[Key]) -> Counter[Key]:
    return counted if len(counted) <= 2 * KEPT else Counter(dict(counted.most_common(KEPT)))
