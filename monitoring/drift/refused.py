"""Requests that were refused with 422: how many of all, for which feature and which fault.

Who is refused has no row, so no column shows that he came: the share itself is the question. It is
drift where it is above `max_refused` of what was asked, by more than chance would put it there.
"""

from collections import Counter
from typing import TypeVar

import msgspec
import numpy as np
import pyarrow as pa
from scipy.stats import binom

from . import statistics
from .compare import band
from .result import BANDS, Refused, RefusedFault, Settings

STATUS = 422
KEPT = 1000
"""How many distinct faults are remembered, the most frequent ones."""
SHOWN = 20
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
        self._faults: Counter[tuple[str, str]] = Counter()
        self._features: Counter[str] = Counter()
        self._decoder = msgspec.json.Decoder(list[SaidFault])

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the records of refused requests; a fault once a request."""
        self.requests += batch.num_rows
        for text in batch["faults"].drop_null().to_pylist():
            said = self._said(text)
            self._faults.update(said)
            self._features.update({feature for feature, _ in said})
        self._faults = _most(self._faults)
        self._features = _most(self._features)

    def _said(self, text: str) -> set[tuple[str, str]]:
        """Return the faults of a record; none where they are not told as our server tells them."""
        try:
            return {(f.feature, f.wanted[:LONGEST]) for f in self._decoder.decode(text)}
        except msgspec.DecodeError:
            return set()

    def judge(self, reference: int, alpha: float, settings: Settings) -> Refused:
        """Compare with what was answered, and with so many reference rows, all of them scored."""
        asked = self.requests + self.answered
        share = statistics.share(self.requests, asked)
        chance = float(binom.sf(self.requests - 1, asked, settings.max_refused)) if asked else 1.0
        drifted = asked >= settings.min_rows and chance < alpha and share.value > 0
        psi = statistics.psi(np.array([reference, 0]), np.array([self.answered, self.requests]))
        return Refused(
            self.requests, asked, share.value, share.low, share.high, drifted,
            band(psi, settings) if drifted else BANDS[0],
            dict(self._features.most_common(SHOWN)),
            [RefusedFault(*named, n) for named, n in self._faults.most_common(SHOWN)],
        )  # fmt: skip


def _most(counted: Counter[Key]) -> Counter[Key]:
    return counted if len(counted) <= 2 * KEPT else Counter(dict(counted.most_common(KEPT)))
