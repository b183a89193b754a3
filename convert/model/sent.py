"""Reference values as a client would send them, whatever type of file they were read from."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..tables.cells import EXACT, UNSEEN, Categories, spelled
from .tree import Floats

INTEGER = r"^[ \t]*[+-]?[0-9]{1,15}[ \t]*$"


def sent_numbers(values: Floats, chunks: list[pa.Array]) -> pa.Array:
    """Return numbers [n], null for NaN; as integers if every cell was an integer or spelled one."""
    missing = np.isnan(values)
    if not all(map(_are_integers, chunks)) or (np.abs(values) >= 2.0**63).any():
        return pa.array(values, pa.float64(), mask=missing)
    return pa.array(np.where(missing, 0.0, values).astype(np.int64), pa.int64(), mask=missing)


def _are_integers(chunk: pa.Array) -> bool:
    if not pa.types.is_string(chunk.type):
        return bool(pa.types.is_integer(chunk.type))
    spelled_out = pc.or_(pc.match_substring_regex(chunk, INTEGER), pc.equal(chunk, ""))
    return bool(pc.all(spelled_out, min_count=0).as_py())


def sent_category(places: Floats, categories: Categories, chunks: list[pa.Array]) -> pa.Array:
    """Return the values at `places` [n], null for missing; an unseen value as the file holds it."""
    missing = np.isnan(places)
    known = list(categories.values)
    indices = np.where(missing, 0, places).astype(np.int64)
    unseen = np.flatnonzero(places == UNSEEN)
    if len(unseen):
        cells = pa.chunked_array(chunks).take(pa.array(unseen)).to_pylist()
        indices[unseen] = len(known) + np.arange(len(unseen))
        known += [_plain(cell, categories) for cell in cells]
    return _of_one_type(known).take(pa.array(indices, pa.int64(), mask=missing))


def _plain(cell: Any, categories: Categories) -> Any:
    """Return the value that an unseen cell stands for among such categories."""
    if isinstance(cell, str) and not any(isinstance(value, str) for value in categories.values):
        cell = spelled(cell)
    return float(cell) if isinstance(cell, Decimal) else cell


def _of_one_type(values: list[Any]) -> pa.Array:
    """Return an array of one type: numbers, booleans or texts. Mixed values become texts."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float}:
        whole = all(isinstance(value, int) or _is_whole(value) for value in values)
        return pa.array(map(int, values) if whole else map(float, values))
    if kinds <= {bool} or kinds <= {str}:
        return pa.array(values)
    return pa.array([_text(value) for value in values])


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and _is_whole(value) else str(value)


def _is_whole(value: float) -> bool:
    return float(value).is_integer() and abs(value) <= EXACT
