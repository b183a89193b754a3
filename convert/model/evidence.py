"""Hints from outside the model: which columns were categories or booleans in training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..tables.cells import Categories, CellError, number, spelled
from ..tables.reference import Reference
from .tree import Bools, Floats

MOST = 1_000  # distinct cells looked at
NUMBERS = {"integer", "long", "float", "double", "boolean"}


@dataclass(frozen=True)
class Evidence:
    """Column names from the user (`named`), types from an MLflow signature, and reference rows."""

    named: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    reference: Reference | None = None

    def owns(self, name: str, lists: list[list[Any]], codes: Floats | None) -> bool:
        """Whether a column certainly was of dtype category, so that one of `lists` must be its own.

        `codes` are the column's codes in training. A number in the rows that cannot be one of them
        must be a category's value.
        """
        if name in self.named or self.types.get(name) == "string":
            return True
        if self.reference is None or name not in self.reference.columns:
            return False
        if name in self.reference.dictionaries or UNFIT in self._numbers(name):
            return True
        sent = self._numbers(name)
        beyond = codes is not None and any(x > codes.max() or x % 1 for x in sent)
        return beyond and any(sent <= {_number(value) for value in each} for each in lists)

    def fits(self, name: str, lists: list[list[Any]]) -> Bools:
        """Return a mask over `lists`: which may belong to the column `name`."""
        return np.array([self._fits(name, values) for values in lists])

    def _fits(self, name: str, values: list[Any]) -> bool:
        """Whether the reference rows agree: they hold values of the list, not just its codes."""
        texts = any(isinstance(value, str) for value in values)
        if texts and self.types.get(name) in NUMBERS:
            return False
        categories = Categories(values)
        places = [categories.place(cell) for cell in self._cells.get(name, [])]
        known = [place for place in places if place is not None]
        if not known or min(known) >= 0:
            return True
        return max(known) >= 0 and not self._numbers(name) <= set(map(float, range(len(values))))

    def is_boolean(self, name: str) -> bool:
        """Whether a column certainly was boolean."""
        if self.types.get(name) == "boolean":
            return True
        cells = self._cells.get(name, [])
        values = [spelled(cell) if isinstance(cell, str) else cell for cell in cells if cell != ""]
        return bool(values) and all(isinstance(value, bool) for value in values)

    def is_number_beyond(self, name: str) -> bool:
        """Whether the reference rows hold a value other than 0 and 1."""
        return not self._numbers(name) <= {0.0, 1.0}

    def numbers_for_texts(self, names: Iterable[str], lists: list[list[Any]]) -> list[str]:
        """Return the columns of the rows with numbers that a list holds as texts: 1 for "1"."""
        texts = {value for values in lists for value in values if isinstance(value, str)}
        return [
            name
            for name in names
            if any(type(cell) in {int, float} and str(cell) in texts for cell in self.cells(name))
        ]

    def cells(self, name: str) -> list[Any]:
        """Return some distinct cells of a column of the rows; none without one."""
        return self._cells.get(name, [])

    def _numbers(self, name: str) -> set[Any]:
        """Return the distinct numbers in a column's cells; UNFIT for a text that is no number."""
        return {_number(cell) for cell in self._cells.get(name, [])} - {None}

    @cached_property
    def _cells(self) -> dict[str, list[Any]]:
        """Up to `MOST` distinct cells of each reference column."""
        if self.reference is None:
            return {}
        return {name: _distinct(chunks) for name, chunks in self.reference.columns.items()}


UNFIT = object()


def _number(cell: Any) -> Any:
    try:
        return number(cell)
    except CellError:
        return UNFIT


def _distinct(chunks: list[pa.Array]) -> list[Any]:
    found: dict[Any, None] = {}
    for chunk in chunks:
        if not pa.types.is_nested(chunk.type):
            found |= dict.fromkeys(pc.unique(chunk)[:MOST].to_pylist())
    return list(found)[:MOST]
