"""The committed model, models/credit-express/1, and applicants held out from its training."""

from typing import Any, ClassVar

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
    categories: list[int] = []


class _Manifest(msgspec.Struct, frozen=True):
    features: list[_Feature]


class Demo(msgspec.Struct, frozen=True):
    """The demo model as a workload: real applicants, 23 features."""

    name: ClassVar[str] = "credit-express"

    def rows(self, count: int) -> Floats:
        """Return held-out rows float64 [count, 23] as LightGBM sees them, categories as codes.

        After 3,000 rows they start again.
        """
        table = pq.read_table(HELD_OUT)
        columns = [coded(each, table.column(each.name).to_numpy()) for each in _features()]
        X = np.column_stack(columns)
        return X[np.arange(count) % len(X)]

    def documents(self, X: Floats) -> list[dict[str, Any]]:
        """Return what a client sends for each row."""
        features = _features()
        return [
            {each.name: plain(each, value) for each, value in zip(features, row, strict=True)}
            for row in X.tolist()
        ]


def coded(feature: _Feature, values: Any) -> Floats:
    """Return a column as LightGBM's numbers; NaN for a category that was not in training."""
    if feature.type != "category":
        return np.asarray(values, dtype=np.float64)
    codes = {category: code for code, category in enumerate(feature.categories)}
    return np.array([codes.get(int(value), np.nan) for value in values])


def plain(feature: _Feature, value: float) -> float | int | None:
    """Return one of LightGBM's numbers as a JSON value."""
    if value != value:
        return None
    return feature.categories[int(value)] if feature.type == "category" else value


def _features() -> list[_Feature]:
    manifest = (BUNDLE / "manifest.json").read_bytes()
    return msgspec.json.decode(manifest, type=_Manifest).features
