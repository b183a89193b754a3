"""Find the classes of other libraries around the booster in a pickle, and where they are.

A place is written as Python would reach it from the loaded object: `['model'].steps[0][1]`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .pickled import PickledObject, read_pickle

BOOSTER = "lightgbm.basic.Booster"
# The model itself, and what any pickle is made of.
OWN = {"lightgbm", "numpy", "joblib", "persistent id"} | sys.stdlib_module_names
# These choose rows or settings in training, name classes, or hold data; they change no answer.
HARMLESS_PACKAGES = (
    "imblearn.combine.", "imblearn.over_sampling.", "imblearn.under_sampling.", "pandas.",
    "pyarrow.", "scipy.", "sklearn.exceptions.", "sklearn.metrics.",
    "sklearn.model_selection._search",
    "sklearn.model_selection._split", "sklearn.utils.",
)  # fmt: skip
HARMLESS = {
    "imblearn.pipeline.Pipeline", "sklearn.frozen._frozen.FrozenEstimator",
    "sklearn.pipeline.Pipeline", "sklearn.preprocessing._label.LabelEncoder",
}  # fmt: skip
SEARCHES = "sklearn.model_selection._search"

Role = Literal["before", "after", "around", "beside", "somewhere", "harmless", "carried"]


@dataclass(frozen=True)
class ForeignClass:
    """A class of another library: `module.class`, its place, and its role for the answer."""

    name: str
    place: str
    role: Role

    @property
    def short(self) -> str:
        """The class name without its module."""
        return self.name.rpartition(".")[2]

    def __str__(self) -> str:
        """Describe it for the user."""
        place = f" at {self.place}" if self.place else ""
        where = {"somewhere": "", "harmless": ", which changes no answer"}
        where["carried"] = ", converted too"
        return f"{self.name}{place}{where.get(self.role, f', {self.role} the booster')}"


@dataclass(frozen=True)
class Surroundings:
    """The boosters' states, other libraries' classes, and all objects, each by its place."""

    boosters: dict[str, dict[Any, Any]]
    others: tuple[ForeignClass, ...]
    things: dict[str, PickledObject]
    mappings: tuple[dict[Any, Any], ...]


def surroundings(content: bytes) -> Surroundings:
    """Follow a pickle; raises ValueError if it cannot be followed."""
    root, _ = read_pickle(content)
    found = list(_places(root))
    things = {place: value for place, value in found if isinstance(value, PickledObject)}
    boosters = {
        place: thing.state
        for place, thing in things.items()
        if thing.name == BOOSTER and isinstance(thing.state, dict)
    }
    texts = [place for place, value in found if isinstance(value, str) and value[:5] == "tree\n"]
    at = next(iter((*boosters, *texts)), "")
    holders = {place: thing for place, thing in things.items() if _within(at, place)}
    others: dict[tuple[str, Role], ForeignClass] = {}
    for place, thing in things.items():
        if thing.name.partition(".")[0] not in OWN:
            role = _role(thing.name, place, at, holders)
            others.setdefault((thing.name, role), ForeignClass(thing.name, place, role))
    plain = [value.state if isinstance(value, PickledObject) else value for _, value in found]
    mappings = tuple(value for value in plain if isinstance(value, dict))
    return Surroundings(boosters, tuple(others.values()), things, mappings)


def _places(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield each object once, at its first place in the file's order, and each text."""
    waiting: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, PickledObject | list | tuple | dict) and id(value) not in seen:
            seen.add(id(value))
            yield place, value
            waiting += reversed(list(_inside(place, value)))


def _inside(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"{place}[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{place}[{i}]", each) for i, each in enumerate(value))
    else:
        if isinstance(value.state, dict):
            yield from ((f"{place}.{key}", each) for key, each in value.state.items())
        else:
            yield f"{place}.state", value.state
        yield f"{place}.arguments", value.args
        yield from _inside(place, value.items)
        yield f"{place}.values", value.after


def by_name(name: str) -> Role:
    """Return a class's role for the answer, from its name alone."""
    harmless = name in HARMLESS or name.startswith(HARMLESS_PACKAGES)
    return "harmless" if harmless else "somewhere"


def _role(name: str, place: str, booster: str, holders: dict[str, PickledObject]) -> Role:
    """Return a class's role for the booster's answer, from its place."""
    if by_name(name) == "harmless":
        return "harmless"
    if place in holders:
        return "around"
    parent = max((each for each in holders if _within(place, each)), key=len, default="")
    holder = holders[parent].name if parent in holders else ""
    if holder.startswith((SEARCHES, "lightgbm.")):
        return "harmless"
    steps = f"{parent}.steps["
    if not (place.startswith(steps) and booster.startswith(steps)):
        return "beside"
    return "before" if _index(place, steps) < _index(booster, steps) else "after"


def _within(place: str, holder: str) -> bool:
    return place.startswith(holder) and place[len(holder) : len(holder) + 1] in ("", ".", "[")


def _index(place: str, steps: str) -> int:
    digits = place[len(steps) :].partition("]")[0]
    return int(digits) if digits.isdigit() else -1
