"""One row with an input for each feature, the usual one: its values as the list of a tensor X.

A decoder call for each input would take twenty times longer than the score.
"""

from collections.abc import Sequence

import msgspec

from ..bundle.manifest import Category, Feature
from .columns import PLAIN, codes_of, mistakable
from .wire import CONTENT_TYPE, Input, Request

AROUND = b"[] \t\r\n"  # around a value
NULL = b"null"
MOST_LISTS = 2  # [1.5] or [[1.5]]
SHAPES = {(1,), (1, 1)}
DIGITS = {"INT64": 15, "INT32": 9}  # so many fit into the type


class OneRow:
    """Joins the inputs of one model's features."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = [feature.name for feature in features]
        codes = {each.name: codes_of(each) for each in features if isinstance(each, Category)}
        self._codes = {
            name: {msgspec.json.encode(text): b"%r" % code for text, code in found.items()}
            | {NULL: NULL}
            for name, found in codes.items()
        }
        self._uncertain = {name for name, found in codes.items() if mistakable(found)}

    def joined(self, request: Request) -> bytes | None:
        """Return the values in the model's order, as JSON; None if columns.py has to read them.

        Nothing is said of the numbers: whether they are some, and may be.
        """
        if len(request.inputs) != len(self._names) or "categories" in request.parameters:
            return None
        found = {tensor.name: self._value(tensor) for tensor in request.inputs}
        values = [found.get(name) or b"" for name in self._names]
        return b"[%b]" % b",".join(values) if all(values) else None

    def _value(self, tensor: Input) -> bytes | None:
        """Return the only value of an input, as JSON; None if it is not plainly one."""
        parameters, name = tensor.parameters, tensor.name
        is_odd = "binary_data_size" in parameters or "categories" in parameters
        if tensor.shape not in SHAPES or is_odd:
            return None
        data = bytes(tensor.data)
        if data[:1] != b"[" or data.count(b"[") > MOST_LISTS:
            return None
        value = data.strip(AROUND)
        if tensor.datatype == "BYTES":
            is_plain = parameters.get(CONTENT_TYPE) in tuple(PLAIN)
            return self._codes.get(name, {}).get(value) if is_plain else None
        if b"," in value or name in self._uncertain:
            return None
        if tensor.datatype == "FP64":
            return value
        digits = DIGITS.get(tensor.datatype, 0)
        return value if value.removeprefix(b"-").isdigit() and len(value) <= digits else None
