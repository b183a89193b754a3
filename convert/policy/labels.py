"""Read the label column: which reference rows turned out bad, however the file spells it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import RowsError
from ..model.objective import Task
from ..model.rows import missing_labels
from ..model.tree import Floats
from ..read.classes import Labels, Meaning, listing, matching
from ..tables.cells import spelled

BAD, GOOD = 1.0, 0.0
# The meaning of a label that is not one of the classes.
SPELT: dict[object, float] = {0: GOOD, 1: BAD, -1: GOOD}
LARGEST_SHOWN = 5


def label_reader(
    task: Task, meaning: Meaning, bad: str | None
) -> Callable[[pa.ChunkedArray, str], Floats] | None:
    """Return the function that reads labels (1 bad, 0 good), or None if they are plain numbers.

    `bad` is the label that stands for a bad applicant, if the user named one.
    """
    if task == "binary" and bad is not None:
        return lambda column, name: _named(column, name, bad)
    if task == "binary":
        return lambda column, name: _outcomes(column, name, meaning)
    if task == "multiclass" and meaning.classes is not None:
        classes = meaning.classes
        return lambda column, name: _positions(column, name, classes)
    return None


def _outcomes(column: pa.ChunkedArray, name: str, meaning: Meaning) -> Floats:
    """Read labels as classes if all of them are classes; otherwise 1 is bad, and 0 or -1 is
    good.
    """
    values = column.to_pylist()
    distinct = _distinct(values, name)
    known = _by_class(distinct, meaning)
    if known is None:
        known = {value: SPELT.get(_key(value), np.nan) for value in distinct}
    if wrong := [value for value, outcome in known.items() if np.isnan(outcome)]:
        raise RowsError(
            f"column {name}: {_wanted(meaning)}, got {_shown(wrong)}; "
            "--bad-label VALUE says which label is the bad one"
        )
    return np.array([known[value] for value in values], dtype=np.float64)


def _named(column: pa.ChunkedArray, name: str, bad: str) -> Floats:
    values = column.to_pylist()
    known = {value: matching((value,), bad) is not None for value in _distinct(values, name)}
    if len(known) > 2 or True not in known.values():
        raise RowsError(
            f"column {name}: wanted two labels, one of them {bad}, got {_shown([*known])}"
        )
    return np.array([BAD if known[value] else GOOD for value in values], dtype=np.float64)


def _by_class(distinct: list[Any], meaning: Meaning) -> dict[Any, float] | None:
    if meaning.classes is None or meaning.of is None:
        return None
    found = {value: matching(meaning.classes, value) for value in distinct}
    if None in found.values():
        return None
    return {value: BAD if label == meaning.of else GOOD for value, label in found.items()}


def _wanted(meaning: Meaning) -> str:
    classes = f"the classes {listing(meaning.classes)}, or " if meaning.classes else ""
    return f"wanted {classes}1 for bad and 0 for good"


def _positions(column: pa.ChunkedArray, name: str, classes: Labels) -> Floats:
    """Return the position of each label among the classes."""
    values = column.to_pylist()
    found: dict[Any, Any] = {value: matching(classes, value) for value in _distinct(values, name)}
    if wrong := [value for value, label in found.items() if label is None]:
        raise RowsError(f"column {name}: wanted {listing(classes)}, got {_shown(wrong)}")
    places = {label: float(place) for place, label in enumerate(classes)}
    return np.array([places[found[value]] for value in values], dtype=np.float64)


def _distinct(values: list[Any], name: str) -> list[Any]:
    distinct = list(dict.fromkeys(values))
    if any(value is None or value != value for value in distinct):
        raise RowsError(missing_labels(name, [value is None or value != value for value in values]))
    return distinct


def _key(value: object) -> object:
    return spelled(value) if isinstance(value, str) else value


def _shown(values: list[Any]) -> str:
    more = " …" if len(values) > LARGEST_SHOWN else ""
    return ", ".join(map(repr, values[:LARGEST_SHOWN])) + more
