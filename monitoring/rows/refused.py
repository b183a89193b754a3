"""Requests that were refused with 422, counted: of which feature, and which fault."""

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
        self._decoder = msgspec.json.Decoder(list[SaidFault])

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the records of refused requests; a fault once a request."""
        self.requests += batch.num_rows
        for text in batch["faults"].drop_null().to_pylist():
            said = self._said(text)
            self.faults.update(said)
            self.features.update({feature for feature, _ in said})
        self.faults = _most(self.faults)
        self.features = _most(self.features)

    def _said(self, text: str) -> set[tuple[str, str]]:
        """Return the faults of a record; none where they are not told as our server tells them."""
        try:
            return {(f.feature, f.wanted[:LONGEST]) for f in self._decoder.decode(text)}
        except msgspec.DecodeError:
            return set()


def _most(counted: Counter[Key]) -> Counter[Key]:
    return counted if len(counted) <= 2 * KEPT else Counter(dict(counted.most_common(KEPT)))
