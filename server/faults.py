"""The slow second look at a refused body: every fault at once, with name, wanted and got.

The hot path stops at the first fault and knows little of it; this module runs only then.
"""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from .applicant import EXACT
from .bundle import Category, Feature

SHOWN = 60
LISTED_CATEGORIES = 12


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with one feature of one applicant of a batch."""

    feature: str
    wanted: str
    got: str
    index: int | None = None


class Literal:
    """A number as it stood in the text, when float64 cannot hold it or JSON does not know it."""

    def __init__(self, text: str) -> None:
        self.text = text


class Members(dict[str, Any]):
    """An object, and the names that stood in it more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = (
            [name for name in self if names.count(name) > 1] if len(names) > len(self) else []
        )


def parse_float(text: str) -> Any:
    """Return the float, or the text where float64 would make it infinite."""
    value = float(text)
    return value if math.isfinite(value) else Literal(text)


def parse_int(text: str) -> Any:
    """Return the integer, or the text where float64 would round it."""
    exact = len(text) < 17 or (len(text) < 400 and float(text) == int(text))
    return int(text) if exact else Literal(text)


def parse_json(body: bytes) -> Any:
    """Decode JSON and what is nearly JSON (NaN, repeated names), so that the fault can be named.

    Raises ValueError or RecursionError when even that fails.
    """
    return json.loads(
        body,
        object_pairs_hook=Members,
        parse_float=parse_float,
        parse_int=parse_int,
        parse_constant=Literal,
    )


def wanted_of(feature: Feature) -> str:
    """Say what a client may send for a feature."""
    if isinstance(feature, Category):
        values = ", ".join(map(show, feature.categories[:LISTED_CATEGORIES]))
        more = len(feature.categories) - LISTED_CATEGORIES
        plain = f"one of {values}" + (f" and {more} more" if more > 0 else "")
    else:
        plain = "a finite number"
    return f"{plain}, or null" if feature.missing.allowed else plain


def show(value: Any) -> str:
    """Show a value as JSON would, shortened."""
    if isinstance(value, Literal):
        text = value.text
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "an array"
    else:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    return shorten(text)


def shorten(text: str) -> str:
    """Return a text that can be encoded, lone surrogates and all, and is not long."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return cut.encode("utf-8", "backslashreplace").decode()


def fits(feature: Feature, value: Any, unseen_is_missing: bool = False) -> bool:
    """Whether `value` is one the model may see for this feature."""
    if value is None:
        return feature.missing.allowed
    if isinstance(value, Literal | Members | list | bytes):
        return False
    if type(value) in {int, float} and not is_exact(value):
        return False
    if isinstance(feature, Category):
        unseen_fits = unseen_is_missing and feature.missing.allowed
        return is_among(value, feature.categories, unseen_fits)
    return type(value) in {int, float}


def is_among(value: Any, known: Sequence[Any], unseen_fits: bool) -> bool:
    """Whether a value is one of a category's, or at least of their kind where that is enough."""
    kinds = {kind_of(each) for each in known}
    return kind_of(value) in kinds and (unseen_fits or value in known)


def kind_of(value: Any) -> type:
    """Return the JSON kind of a value: true is no number, 2 and 2.0 are one kind."""
    return float if type(value) is int else type(value)


def is_exact(value: float) -> bool:
    """Whether float64 holds this number, and it is finite."""
    if isinstance(value, int):
        return abs(value) <= EXACT or (abs(value) < 2**1023 and int(float(value)) == value)
    return math.isfinite(value)


def of_applicant(
    features: Sequence[Feature],
    value: Any,
    index: int | None = None,
    unseen_is_missing: bool = False,
) -> Iterator[Fault]:
    """Yield every fault of one decoded applicant."""
    if not isinstance(value, dict):
        yield Fault("", "an object of feature names and values", show(value), index)
        return
    known = {feature.name for feature in features}
    for feature in features:
        if feature.name not in value:
            yield Fault(feature.name, wanted_of(feature), "nothing", index)
        elif not fits(feature, value[feature.name], unseen_is_missing):
            yield Fault(feature.name, wanted_of(feature), show(value[feature.name]), index)
    for name in value:
        if name not in known:
            yield Fault(shorten(str(name)), "no such feature", show(value[name]), index)
    for name in getattr(value, "repeated", ()):
        yield Fault(shorten(str(name)), "each feature once", "more than once", index)
