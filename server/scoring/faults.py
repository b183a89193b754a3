"""The second look at a refused body: what is wrong with it, with name, wanted and got.

The fast path stops at the first fault and knows little about it; this module runs only then. It
makes one pass over any value and reports a limited number of faults.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

import msgspec

from ..bundle.manifest import Feature
from .lenient import shorten, show
from .near_names import NearNames
from .rule import Rule
from .sentences import OBJECT, form_of, of_body, of_value, of_wrapper
from .wrappers import wrapper_of

MAX_FAULTS = 100  # most faults listed for a request; the others are counted
SPARE_MEMBERS = 1000  # most members beyond the model's features; above it, none is inspected
UNKNOWN, EMPTY = "no such feature", '""'


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault of one feature of one applicant of a batch."""

    feature: str
    wanted: str
    got: str
    index: int | None = None


class UnknownFault(Fault, frozen=True, omit_defaults=True):
    """A fault whose name was chosen by the client; it may be as personal as a value."""


class Found(msgspec.Struct, frozen=True):
    """The first faults (at least one, if there are any), and the total number.

    `first` is the first fault as a sentence.
    """

    told: tuple[Fault, ...]
    count: int
    first: str = ""


NOTHING = Found((), 0)


class Rules:
    """The rules for an applicant of one model, prepared once."""

    def __init__(self, features: Sequence[Feature], unseen_is_missing: bool = False) -> None:
        self._rules = {each.name: Rule(each, unseen_is_missing) for each in features}
        self._near, self._form = NearNames(self._rules), form_of(self._rules)
        self.most_members = len(features) + SPARE_MEMBERS

    def faults(self, value: Any, index: int | None = None, most: int = MAX_FAULTS) -> Found:
        """Return what is wrong with one decoded applicant: up to `most` faults, at least one."""
        if not isinstance(value, dict):
            got = show(value)
            return whole(OBJECT, got, of_body(value, got, self._form), index)
        sent = getattr(value, "count", len(value))
        if sent > self.most_members:
            wanted, got = f"an object of {len(self._rules)} features", f"{sent} members"
            return whole(wanted, got, f"wanted {wanted}, got {got}", index)
        known = value.keys() & self._rules.keys()
        if not known and (name := wrapper_of(value)) is not None:
            got = f"{show(value[name])} in {show(name)}"
            return whole(OBJECT, got, of_wrapper(name, self._form), index)
        return self._of_members(value, known, index, most)

    def _of_members(
        self, value: Mapping[Any, Any], known: AbstractSet[str], index: int | None, most: int
    ) -> Found:
        meant = self._meant(value, known)
        repeated = getattr(value, "repeated", ())
        told = tuple(islice(self._each(value, meant, repeated, index), max(most, 1)))
        unfit = sum(not self._rules[name].fits(value[name]) for name in known)
        count = len(self._rules) + len(value) - 2 * len(known) - len(meant) + unfit
        first = self._sentence(told[0], value) if told else ""
        return Found(told, count + len(repeated), first)

    def _meant(self, value: Mapping[Any, Any], known: AbstractSet[str]) -> dict[str, Any]:
        if len(known) == len(value):
            return {}
        absent = self._rules.keys() - known
        if not absent:
            return {}
        unknown = (name for name in value if name not in known)
        return self._near.meant(islice(unknown, 2 * len(self._rules)), absent)

    def _each(
        self, value: Mapping[Any, Any], meant: Mapping[str, Any], repeated: Sequence[Any],
        index: int | None,
    ) -> Iterator[Fault]:  # fmt: skip
        for name, rule in self._rules.items():
            if name in meant:
                yield unknown(meant[name], value, index, f"{UNKNOWN}; did you mean {name}?")
            elif name not in value:
                yield Fault(name, rule.wanted, "nothing", index)
            elif not rule.fits(value[name]):
                yield Fault(name, rule.wanted, show(value[name]), index)
        told = {*meant.values()}
        for name in value:
            if name not in self._rules and name not in told:
                yield unknown(name, value, index)
        for name in repeated:
            kind = Fault if name in self._rules else UnknownFault
            yield kind(named(name), "each feature once", "more than once", index)

    def _sentence(self, fault: Fault, value: Mapping[Any, Any]) -> str:
        rule = self._rules.get(fault.feature)
        if isinstance(fault, UnknownFault):
            return f"unknown feature {fault.feature or EMPTY}{fault.wanted.removeprefix(UNKNOWN)}"
        if rule is not None and fault.feature in value and not rule.fits(value[fault.feature]):
            return of_value(fault.feature, rule, value[fault.feature])
        return f"{fault.feature}: wanted {fault.wanted}, got {fault.got}"


def whole(wanted: str, got: str, sentence: str, index: int | None) -> Found:
    """Return the single fault of an applicant whose members are not looked at."""
    return Found((Fault("", wanted, got, index),), 1, f"body: {sentence}")


def unknown(
    name: Any, value: Mapping[Any, Any], index: int | None, wanted: str = UNKNOWN
) -> UnknownFault:
    """Return the fault of a member that is not a feature."""
    return UnknownFault(named(name), wanted, show(value[name]), index)


def named(name: Any) -> str:
    """Return a member's name, shortened; other types as they would be shown."""
    return shorten(name) if isinstance(name, str) else show(name)
