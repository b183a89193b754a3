"""Count requests that were refused with 422, by feature and by fault."""

from collections import Counter
from typing import TypeVar

import msgspec
import pyarrow as pa

STATUS = 422
KEPT = 1000
"""How many distinct faults are kept: the most frequent ones."""
LONGEST = 200
Key = TypeVar("Key")


class SaidFault(msgspec.Struct):
    """What the record of a refused request says about one feature."""

    feature: str = ""
    wanted: str = ""


class RefusedTally:
    """Counts what one model answered and refused, in bounded memory."""

    def __init__(self) -> None:
        self.requests = self.answered = 0
        self.faults: Counter[tuple[str, str]] = Counter()
        self.features: Counter[str] = Counter()
        self.others: Counter[int] = Counter()
        self._decoder = msgspec.json.Decoder(list[SaidFault])

    def add(self, batch: pa.RecordBatch) -> None:
        """Count records of refused requests; each fault counts once per request."""
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
        """Return the faults in a record, each once; none if they are not in our server's format."""
        try:
            faults = ((f.feature, f.wanted[:LONGEST]) for f in self._decoder.decode(text))
            return list(dict.fromkeys(faults))
        except msgspec.DecodeError:
            return []


def _most(counted: Counter[Key]) -> Counter[Key]:
    return counted if len(counted) <= 2 * KEPT else Counter(dict(counted.most_common(KEPT)))
