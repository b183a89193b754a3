"""The slow second look at a refused body: what is wrong with it, with name, wanted and got.

The hot path stops at the first fault and knows little of it; this module runs only then. It goes
once over what was sent, whatever that is, and tells a bounded number of faults.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from ..bundle.applicant import EXACT
from ..bundle.manifest import Category, Feature, Number

SHOWN = 60
LISTED_CATEGORIES = 12
MAX_FAULTS = 100  # told of a request; the others are counted
SPARE_MEMBERS = 1000  # of an object beyond the model's features; above it none is looked at


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


class UnknownFault(Fault, frozen=True, omit_defaults=True):
    """A fault whose name is the client's own; it may say as much of a person as a value."""


class Members(dict[Any, Any]):
    """An object in which a name stands more than once: `count` members, `repeated` names.

    Or one of so many members that it was not decoded: its `count` alone.
    """

    def __init__(self, pairs: list[tuple[Any, Any]], count: int | None = None) -> None:
        super().__init__(pairs)
        self.count = len(pairs) if count is None else count
        self._pairs = pairs

    @property
    def repeated(self) -> list[Any]:
        """The names that stand there again, in the order in which they came first."""
        counted = Counter(name for name, _ in self._pairs)
        return [name for name, count in counted.items() if count > 1]


def members(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return an object, as Members where a name stands in it again."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else Members(pairs)


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
    return LENIENT.decode(body.decode())


LENIENT = json.JSONDecoder(
    object_pairs_hook=members, parse_float=parse_float, parse_int=parse_int, parse_constant=Literal
)
written = json.JSONEncoder(ensure_ascii=False).encode


def wanted_of(feature: Feature) -> str:
    """Say what a client may send for a feature."""
    if isinstance(feature, Category):
        values = ", ".join(map(show, feature.categories[:LISTED_CATEGORIES]))
        more = len(feature.categories) - LISTED_CATEGORIES
        plain = f"one of {values}" + (f" and {more} more" if more > 0 else "")
    else:
        plain = "a finite number, true or false" if feature.boolean else "a finite number"
    return f"{plain}, or null" if feature.missing.allowed else plain


def show(value: Any) -> str:
    """Show a value as JSON would, shortened."""
    if isinstance(value, Literal):
        text = value.text
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "an array"
    else:
        cut = value[: SHOWN + 1] if isinstance(value, str) else value
        text = written(cut)
    return shorten(text)


def shorten(text: str, most: int = SHOWN) -> str:
    """Return a text that can be encoded, lone surrogates and all, and is not long."""
    if len(text) <= most and text.isascii():
        return text
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.encode("utf-8", "backslashreplace").decode()


def kind_of(value: Any) -> type:
    """Return the JSON kind of a value: true is no number, 2 and 2.0 are one kind."""
    return float if type(value) is int else type(value)


def is_exact(value: float) -> bool:
    """Whether float64 holds this number, and it is finite."""
    if isinstance(value, int):
        return abs(value) <= EXACT or (abs(value) < 2**1023 and int(float(value)) == value)
    return math.isfinite(value)


class Rule:
    """What one feature may be."""

    def __init__(self, feature: Feature, unseen_is_missing: bool = False) -> None:
        self.wanted = wanted_of(feature)
        self._may_be_missing = feature.missing.allowed
        categories = feature.categories if isinstance(feature, Category) else ()
        self._known = {(kind_of(each), each) for each in categories}
        self._kinds = {kind for kind, _ in self._known}
        self._is_category = isinstance(feature, Category)
        self._numbers = (
            {float, bool} if isinstance(feature, Number) and feature.boolean else {float}
        )
        self._unseen_fits = unseen_is_missing and feature.missing.allowed

    def fits(self, value: Any) -> bool:
        """Whether `value` is one the model may see."""
        if value is None:
            return self._may_be_missing
        kind = kind_of(value)
        if kind is float and not is_exact(value):
            return False
        if not self._is_category:
            return kind in self._numbers
        return kind in self._kinds and (self._unseen_fits or (kind, value) in self._known)


class Found(msgspec.Struct, frozen=True):
    """The first faults there are, at least one if any, and how many there are in all."""

    told: tuple[Fault, ...]
    count: int


NOTHING = Found((), 0)


class Rules:
    """What an applicant of one model may be, made ready once."""

    def __init__(self, features: Sequence[Feature], unseen_is_missing: bool = False) -> None:
        self._rules = {each.name: Rule(each, unseen_is_missing) for each in features}
        self.most_members = len(features) + SPARE_MEMBERS

    def faults(self, value: Any, index: int | None = None, most: int = MAX_FAULTS) -> Found:
        """Return what is wrong with one decoded applicant, `most` faults of it or one."""
        if not isinstance(value, dict):
            wanted = "an object of feature names and values"
            return Found((Fault("", wanted, show(value), index),), 1)
        sent = getattr(value, "count", len(value))
        if sent > self.most_members:
            wanted = f"an object of {len(self._rules)} features"
            return Found((Fault("", wanted, f"{sent} members", index),), 1)
        repeated = getattr(value, "repeated", ())
        told = tuple(islice(self._each(value, repeated, index), max(most, 1)))
        return Found(told, self._count(value) + len(repeated))

    def _count(self, value: Mapping[Any, Any]) -> int:
        known = value.keys() & self._rules.keys()
        unfit = sum(not self._rules[name].fits(value[name]) for name in known)
        return len(self._rules) + len(value) - 2 * len(known) + unfit

    def _each(
        self, value: Mapping[Any, Any], repeated: Sequence[Any], index: int | None
    ) -> Iterator[Fault]:
        for name, rule in self._rules.items():
            if name not in value:
                yield Fault(name, rule.wanted, "nothing", index)
            elif not rule.fits(value[name]):
                yield Fault(name, rule.wanted, show(value[name]), index)
        for name in value:
            if name not in self._rules:
                yield UnknownFault(named(name), "no such feature", show(value[name]), index)
        for name in repeated:
            kind = Fault if name in self._rules else UnknownFault
            yield kind(named(name), "each feature once", "more than once", index)


def named(name: Any) -> str:
    """Return a member's name, shortened; one that is no text as it would be shown."""
    return shorten(name) if isinstance(name, str) else show(name)
