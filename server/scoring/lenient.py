"""Decode JSON and near-JSON so that faults can be named, and format values for messages.

Nothing the client sent is lost: repeated names, NaN, and numbers that float64 would round.
"""

import json
import math
from collections import Counter
from typing import Any

SHOWN = 60
NESTED = ("an object", "an array")


class Literal:
    """A number as its text, if float64 cannot hold it or JSON does not allow it."""

    def __init__(self, text: str) -> None:
        self.text = text


class Members(dict[Any, Any]):
    """An object with repeated names: `count` members, `repeated` names.

    Or an object with too many members to decode: only its `count`.
    """

    def __init__(self, pairs: list[tuple[Any, Any]], count: int | None = None) -> None:
        super().__init__(pairs)
        self.count = len(pairs) if count is None else count
        self._pairs = pairs

    @property
    def repeated(self) -> list[Any]:
        """The names that occur again, in order of their first occurrence."""
        counted = Counter(name for name, _ in self._pairs)
        return [name for name, count in counted.items() if count > 1]


def members(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return an object, as Members if a name occurs again."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else Members(pairs)


def parse_float(text: str) -> Any:
    """Return the float, or the text if float64 would make it infinite."""
    value = float(text)
    return value if math.isfinite(value) else Literal(text)


def parse_int(text: str) -> Any:
    """Return the integer, or the text if float64 would round it."""
    exact = len(text) < 17 or (len(text) < 400 and float(text) == int(text))
    return int(text) if exact else Literal(text)


def parse_json(body: bytes) -> Any:
    """Decode JSON and near-JSON (NaN, repeated names), so that the fault can be named.

    Raises ValueError or RecursionError if even that fails.
    """
    return LENIENT.decode(body.decode())


LENIENT = json.JSONDecoder(
    object_pairs_hook=members, parse_float=parse_float, parse_int=parse_int, parse_constant=Literal
)
written = json.JSONEncoder(ensure_ascii=False).encode


def show(value: Any) -> str:
    """Return a value as JSON, shortened."""
    if isinstance(value, Literal):
        text = value.text
    elif isinstance(value, dict | list):
        text = NESTED[isinstance(value, list)]
    else:
        cut = value[: SHOWN + 1] if isinstance(value, str) else value
        text = written(cut)
    return shorten(text)


def is_nested(value: Any) -> bool:
    """Whether a value is an object or an array, decoded or not."""
    return isinstance(value, dict | list) or getattr(value, "text", "") in NESTED


def shorten(text: str, most: int = SHOWN) -> str:
    """Return a short text that can be encoded, even with lone surrogates."""
    if len(text) <= most and text.isascii():
        return text
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.encode("utf-8", "backslashreplace").decode()
