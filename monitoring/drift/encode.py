"""An Arrow column as the model's numbers: float64, or the position of a category's label."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .columns import CATEGORY, UNSEEN, Column, Floats
from .errors import BadCurrentError

TRUTH = {"False", "True"}
"""How str() writes them; a CSV may say true or TRUE."""


def encode(column: Column, array: pa.Array) -> Floats:
    """Return the column's values [n] as float64; missing is NaN. Raises BadCurrentError."""
    return _codes(column, array) if column.kind == CATEGORY else _numbers(column.name, array)


def _numbers(name: str, array: pa.Array) -> Floats:
    try:
        values = array if pa.types.is_float64(array.type) else array.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadCurrentError(f"{name}: wanted a number, got {array.type} ({error})") from error
    numbers: Floats = values.to_numpy(zero_copy_only=False)
    return numbers


def _codes(column: Column, array: pa.Array) -> Floats:
    texts = as_labels(array)
    if set(column.labels) <= TRUTH:
        texts = pc.utf8_capitalize(texts)
    found = pc.index_in(texts, value_set=pa.array(column.labels, pa.string()))
    codes = found.cast(pa.float64()).to_numpy(zero_copy_only=False)
    unseen = np.isnan(codes) & pc.is_valid(texts).to_numpy(zero_copy_only=False)
    return np.where(unseen, UNSEEN, codes)


def as_labels(array: pa.Array) -> pa.Array:
    """Return category values as text, the way str() writes them: 1, 1.5, True, A."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_boolean(array.type):
        return pc.if_else(array, "True", "False")
    if pa.types.is_floating(array.type):
        whole = pc.equal(array, pc.floor(array))
        integers = pc.if_else(whole, array, None).cast(pa.int64()).cast(pa.string())
        return pc.coalesce(integers, pc.if_else(pc.is_nan(array), None, array).cast(pa.string()))
    return array.cast(pa.string())


def labels_of(categories: Sequence[str | float | bool]) -> tuple[str, ...]:
    """Return a manifest's categories as the labels that `as_labels` gives."""
    whole = (int(c) if isinstance(c, float) and c.is_integer() else c for c in categories)
    return tuple(map(str, whole))
