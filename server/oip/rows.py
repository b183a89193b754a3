"""Convert a tensor's rows to rows as the model sees them: codes, missing values, replacements."""

import numpy as np

from ..bundle.applicant import Floats, flush_zeros, stand_ins
from ..bundle.manifest import Category, Manifest
from .wire import OipError


class RowRules:
    """The rules of docs/bundle.md for a block of rows sent as numbers."""

    def __init__(self, manifest: Manifest) -> None:
        features = manifest.features
        self._names = [feature.name for feature in features]
        self._stand_ins = stand_ins(features)
        self._must_be_there = np.array([not feature.missing.allowed for feature in features])
        self._categories = [(i, f) for i, f in enumerate(features) if isinstance(f, Category)]
        self._zeros = np.array([i for i, f in enumerate(features) if f.zero_as_missing], dtype=int)

    def apply(self, rows: Floats) -> Floats:
        """Return [N, F] as the model sees it; raises OipError 400 naming row and feature."""
        self._refuse(np.isinf(rows), "wanted a finite number or null, got infinity")
        self._refuse(np.isnan(rows) & self._must_be_there, "wanted a number, got null or NaN")
        for i, feature in self._categories:
            if not feature.ordered:
                rows[:, i] = np.trunc(rows[:, i])
            known = np.isin(rows[:, i], feature.codes) | np.isnan(rows[:, i])
            self._refuse_column(~known, i)
        if self._stand_ins is not None:
            np.copyto(rows, self._stand_ins, where=np.isnan(rows))
        if self._zeros.size:
            flush_zeros(rows, self._zeros)
        return rows

    def _refuse(self, wrong: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", what: str) -> None:
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise OipError(400, f"row {row}: {self._names[column]}: {what}")

    def _refuse_column(
        self, wrong: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", column: int
    ) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise OipError(400, f"row {row}: {self._names[column]}: not a code of this category")
