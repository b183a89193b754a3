"""The committed model, models/credit-express/1, and the applicants held out from its training."""

from typing import ClassVar

import msgspec
import numpy as np
import pyarrow.parquet as pq

from ..host import ROOT
from .applicants import Floats

BUNDLE = ROOT / "models" / "credit-express" / "1"
HELD_OUT = BUNDLE.parent / "held-out.parquet"


class _Feature(msgspec.Struct, frozen=True):
    name: str
    type: str


class _Manifest(msgspec.Struct, frozen=True):
    features: list[_Feature]


class Demo(msgspec.Struct, frozen=True):
    """The demo model among the seeded ones: real applicants, 23 features."""

    name: ClassVar[str] = "credit-express"

    def rows(self, count: int) -> Floats:
        """Return held-out rows float64 [count, 23]; after the 3,000th, the first again."""
        table = pq.read_table(HELD_OUT, columns=self.names())
        X = np.column_stack([column.to_numpy().astype(np.float64) for column in table.columns])
        return X[np.arange(count) % len(X)]

    def names(self) -> list[str]:
        """Return its features in order."""
        return [each.name for each in _features()]

    def categories(self) -> frozenset[int]:
        """Return which columns are categories, sent as whole numbers."""
        return frozenset(i for i, each in enumerate(_features()) if each.type == "category")


def _features() -> list[_Feature]:
    manifest = (BUNDLE / "manifest.json").read_bytes()
    return msgspec.json.decode(manifest, type=_Manifest).features
