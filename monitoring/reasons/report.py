"""What `monitoring reasons` found, as it is printed with --json; keys are only ever added."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from .change import Change
from .tally import Tally


class Count(msgspec.Struct):
    """How many decisions name a code at all, and with how many it is the largest."""

    named: int
    first: int


class Group(msgspec.Struct):
    """Decisions of one kind, of one period, or of one segment."""

    name: str
    decided: dict[str, int]
    explained: int
    codes: dict[str, Count]


class Segmented(msgspec.Struct):
    """Reasons by segment, and whether the largest reason depends on it."""

    feature: str
    groups: list[Group]
    chi_squared: float
    freedom: int
    p_value: float
    cramers_v: float


class Reasons(msgspec.Struct):
    """The reasons of one model version under one policy.

    `unexplained`: decisions other than approvals that were answered without reasons. `codes` are
    the versions of its reason codes. Texts are known if the bundle is.
    """

    model: str
    version: str
    policy: str
    codes: list[str]
    decided: dict[str, int]
    explained: int
    unexplained: int
    texts: dict[str, str]
    decisions: list[Group]
    by: str
    periods: list[Group]
    segments: Segmented | None = None
    change: Change | None = None


def groups(
    tallies: Mapping[str, Tally], place: Callable[[str], tuple[int, str]] | None = None
) -> list[Group]:
    """Return tallies by name, sorted by their `place`, as text without it."""
    names = sorted(tallies, key=place) if place else sorted(tallies)
    return [_group(name, tallies[name]) for name in names]


def _group(name: str, tally: Tally) -> Group:
    first = tally.first_codes()
    codes = {code: Count(tally.of_code(code), first[code]) for code in tally.codes()}
    return Group(name, dict(sorted(tally.decided.items())), tally.rows, codes)


def by_decision(tally: Tally) -> list[Group]:
    """Return what each kind of decision names; only those that came with reasons."""
    return [
        _group(decision, _only(tally, decision))
        for decision in sorted(tally.explained, reverse=True)
    ]


def _only(tally: Tally, decision: str) -> Tally:
    found = Tally()
    found.decided[decision] = tally.decided[decision]
    found.explained[decision] = tally.explained[decision]
    for mine, theirs in ((found.named, tally.named), (found.first, tally.first)):
        mine.update({key: count for key, count in theirs.items() if key[0] == decision})
    return found


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    found = Tally()
    for each in tallies:
        found.add(each)
    return found
