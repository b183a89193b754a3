"""Read columns of a table as float64: numbers, or the positions of a category's values.

convert/ and monitoring/ read it through a link: folders share files and no imports.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .cells import EXACT, LONGEST, Categories, CellError, by_cell, number
from .table_file import Column

Floats = NDArray[np.float64]


def array_of(column: Column) -> pa.Array:
    """Return texts of CSV as an Arrow array; an array unchanged."""
    return column if isinstance(column, pa.Array) else pa.array(column, pa.string())


def numbers(column: Column, infinite: bool = False) -> Floats:
    """Return a column [n] of numbers, NaN where missing; raises CellError. See cells.number."""
    array = array_of(column)
    quick = _quick(array)
    return _by_distinct(array, partial(number, infinite=infinite)) if quick is None else quick


def places(column: Column, categories: Categories) -> Floats:
    """Return the positions [n] of a category's values, NaN where missing, UNSEEN where unknown."""
    return _by_distinct(array_of(column), categories.place)


def _quick(array: pa.Array) -> Floats | None:
    """Convert a simple column at once; None if its cells must be read one by one."""
    kind = array.type
    if pa.types.is_string(kind):
        if (pc.max(pc.utf8_length(array)).as_py() or 0) >= LONGEST:
            return None
        array = pc.if_else(pc.equal(array, ""), None, array)
    elif not pa.types.is_integer(kind) and not pa.types.is_floating(kind):
        return None
    try:
        values: Floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    largest = np.finfo(np.float64).max if pa.types.is_floating(kind) else EXACT
    missing = array.null_count if not pa.types.is_floating(kind) else np.isnan(values).sum()
    return values if np.count_nonzero(np.abs(values) <= largest) + missing == len(values) else None


def _by_distinct(array: pa.Array, read: Callable[[Any], float | None]) -> Floats:
    """Read each distinct cell once; a CellError names the first row that holds the bad cell."""
    try:
        encoded = array.dictionary_encode()
    except pa.ArrowNotImplementedError:  # lists, structs, decimals of 32 bits, encoded runs
        return np.array(by_cell(array.to_pylist(), read), np.float64)
    held = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    try:
        found = by_cell(encoded.dictionary.to_pylist(), read)
    except CellError as error:
        error.row = int(np.argmax(held == error.row))
        raise
    values: Floats = np.array([*found, None], np.float64)[held]
    return values
