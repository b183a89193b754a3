"""Convert rows of one model version into rows of another, for the same applicants."""

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from ..bundle.manifest import Feature, Manifest
from ..errors import MonitoringError
from ..log.batch import rows_matrix
from .model import Floats

ZERO = float(np.float32(1e-35))  # LightGBM's kZeroThreshold
Column = np.ndarray[tuple[int], np.dtype[np.float64]]


def recast(batch: pa.RecordBatch, made_by: Manifest, other: Manifest) -> tuple[Floats, Any]:
    """Return rows [N, F'] for `other`, and a mask [N]: whether it would have scored the applicant.

    Features are matched by name, categories by value. If the old version replaced a value in the
    row (missing by a number, zero by NaN), the value the client sent is used. Raises
    MonitoringError if the other version needs a feature that the old one did not have.
    """
    places = {feature.name: i for i, feature in enumerate(made_by.features)}
    if absent := [f.name for f in other.features if f.name not in places]:
        names = ", ".join(absent)
        raise MonitoringError(
            f"{other.name}/{other.version} needs features that the log lacks: {names}"
        )
    rows = rows_matrix(batch)
    columns, fit = [], np.ones(len(rows), np.bool_)
    for feature in other.features:
        old = made_by.features[places[feature.name]]
        if (old.type == "category") != (feature.type == "category"):
            raise MonitoringError(
                f"{feature.name}: {old.type} in one version, {feature.type} in the other"
            )
        column, can = translate(as_sent(batch, rows[:, places[feature.name]], old), old, feature)
        columns.append(column)
        fit &= can
    return np.column_stack(columns), fit


def as_sent(batch: pa.RecordBatch, column: Column, feature: Feature) -> Column:
    """Return a number as the client sent it, if the row holds a replacement."""
    loses = feature.zero_as_missing or feature.missing.policy in {"zero", "impute"}
    if feature.type == "category" or not loses:
        return column
    sent = [msgspec.json.decode(text) if text else None for text in batch["features"].to_pylist()]
    values = [column[i] if s is None else s[feature.name] for i, s in enumerate(sent)]
    return np.array([np.nan if value is None else value for value in values], np.float64)


def translate(column: Column, old: Feature, new: Feature) -> tuple[Column, Any]:
    """Return a column as the new version's row holds it, and a mask of what it would not refuse."""
    missing = np.isnan(column)
    fit = np.ones(len(column), np.bool_)
    if new.type == "category":
        codes: dict[Any, float] = dict(zip(new.categories, new.codes, strict=True))
        names: dict[float, Any] = dict(zip(old.codes, old.categories, strict=True))
        column = np.array([codes.get(names.get(c), np.nan) for c in column.tolist()])
        fit = ~np.isnan(column) | missing
    if not new.missing.allowed:
        fit &= ~missing
    if new.missing.policy in {"zero", "impute"}:
        column = np.where(missing, new.missing.value or 0.0, column)
    if new.zero_as_missing:
        column = np.where(np.abs(column) <= ZERO, np.nan, column)
    return column, fit
