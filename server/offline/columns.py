"""Read the features' columns of a record batch into the rows that the model is to see."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..bundle.applicant import NAN, Floats, codes_of, flush_zeros, stand_ins
from ..bundle.manifest import Category, Feature
from . import arrays
from .cells import Categories, CellError
from .reading import UnfitCellError, has_numbers, reader
from .table_file import Column, plain

Faults = dict[int, str]
"""What is wrong, by the place of the row in its batch: the first fault of a row."""


class FeatureColumns:
    """The columns of a model's features, by name and in any order."""

    def __init__(self, features: Sequence[Feature], decimal: str = ".") -> None:
        self._features = tuple(features)
        self._readers = [
            column_reader(feature, decimal if has_numbers(feature) else ".") for feature in features
        ]
        self._stand_ins = stand_ins(features)
        self._zeros = np.array([i for i, f in enumerate(features) if f.zero_as_missing], dtype=int)

    def sent(self, batch: pa.RecordBatch) -> tuple[Floats, Faults]:
        """Return float64 [N, F], column after column, NaN where nothing was sent, and the faults.

        Where there is a fault, the row means nothing.
        """
        rows = np.empty((len(self._features), batch.num_rows)).T
        faults: Faults = {}
        for place, (feature, read) in enumerate(zip(self._features, self._readers, strict=True)):
            rows[:, place], wrong = read(plain(batch.column(feature.name)))
            faults = wrong | faults
        return rows, faults

    def fill(self, rows: Floats) -> None:
        """Make of rows as sent, in place, what the model sees."""
        if self._stand_ins is not None:
            np.copyto(rows, self._stand_ins, where=np.isnan(rows))
        if self._zeros.size:
            flush_zeros(rows, self._zeros)


def column_reader(
    feature: Feature, decimal: str = "."
) -> Callable[[Column], tuple[Floats, Faults]]:
    """Return column -> values [N] and faults: all cells at once, one by one where one is wrong."""
    read_all = category_reader(feature) if isinstance(feature, Category) else arrays.numbers
    may_be_missing, read_one = feature.missing.allowed, cell_reader(feature, decimal)

    def read(column: Column) -> tuple[Floats, Faults]:
        try:
            values = read_all(with_points(column) if decimal == "," else column)
        except CellError:
            return one_by_one(column, read_one)
        if not may_be_missing and np.isnan(values).any():
            return one_by_one(column, read_one)
        return values, {}

    return read


def category_reader(feature: Category) -> Callable[[Column], Floats]:
    """Return column -> codes; it raises CellError where a value is no category."""
    known = Categories(feature.categories)
    codes: Floats = np.array([*feature.codes, NAN], np.float64)

    def read(column: Column) -> Floats:
        places = arrays.places(column, known)
        if (places < 0).any():
            raise CellError("a category", None)
        return codes[np.where(np.isnan(places), -1, places).astype(np.int64)]

    return read


def with_points(column: Column) -> Column:
    """Return a column of texts as `reading.with_point` makes each; any other as it is."""
    array = arrays.array_of(column)
    if not pa.types.is_string(array.type):
        return array
    return pc.replace_substring(pc.replace_substring(array, ".", "_"), ",", ".")


def cell_reader(feature: Feature, decimal: str = ".") -> Callable[[Any], float]:
    """Return cell -> the number that the model sees, NaN where missing; raises UnfitCellError."""
    read = reader(feature, decimal)
    codes = codes_of(feature) if isinstance(feature, Category) else None

    def number(cell: Any) -> float:
        value = read(cell)
        code = codes[value] if codes else value
        return NAN if code is None else float(code)

    return number


def one_by_one(column: Column, read: Callable[[Any], float]) -> tuple[Floats, Faults]:
    """Return the values of a column with a fault, NaN where one is, and what each is."""
    cells = arrays.array_of(column).to_pylist()
    values, faults = np.full(len(cells), NAN), {}
    for row, cell in enumerate(cells):
        try:
            values[row] = read(cell)
        except UnfitCellError as error:
            faults[row] = str(error)
    return values, faults
