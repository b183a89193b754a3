"""Which classes a classifier knows, and which of them the probability is of.

A booster's own text holds none: scikit-learn's estimators sort the labels they are given, and keep
them beside it.
"""

import math
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError, UnsupportedModelError
from ..model.objective import Task
from .pickled import read_pickle, values_of

Label = str | int | float | bool
Labels = tuple[Label, ...]
CLASSIFIER = "_classes"  # where LightGBM's estimator keeps them
LIGHTGBM = (0, 1)  # what lgb.train takes: above 0 is 1


@dataclass(frozen=True)
class Meaning:
    """The classes, in the booster's order; None where the file names none.

    `of` is the class whose probability is answered, `bad` the one that is refused, both None where
    nobody said. `turned` where the booster gives the probability of the other class.
    """

    classes: Labels | None = None
    of: Label | None = None
    bad: Label | None = None
    turned: bool = False

    def told(self, task: Task) -> list[str]:
        """Say it for people; nothing where nothing is known."""
        if self.classes is None or task not in ("binary", "multiclass"):
            return []
        listed = listing(self.classes)
        if task == "multiclass":
            return [f"the probabilities are of {listed}"]
        turned = "; the booster's own is of the other class" if self.turned else ""
        return [f"the probability is of {self.of!r} (classes {listed}){turned}"]


def listing(classes: Labels) -> str:
    """Return the classes as text."""
    return ", ".join(map(repr, classes))


def classes_in_pickle(content: bytes) -> Labels | None:
    """Return the classes of the one classifier in a pickle, of which nothing is executed.

    None where there is none, or where the pickle cannot be followed. Raises UnsupportedModelError
    where classifiers know different classes.
    """
    try:
        _, things = read_pickle(content)
    except ValueError:
        return None
    states = [thing.state for thing in things if isinstance(thing.state, dict)]
    lists = [values_of(state[CLASSIFIER]) for state in states if CLASSIFIER in state]
    found = {plain(values) for values in lists if values is not None}
    if len(found) > 1:
        raise UnsupportedModelError(f"{len(found)} classifiers that know different classes")
    return found.pop() if found else None


def classes_of(estimator: Any) -> Labels | None:
    """Return the classes of a classifier that was built; None for anything else."""
    found = getattr(estimator, CLASSIFIER, None)
    return None if found is None else plain(found.tolist())


def plain(values: list[Any]) -> Labels:
    """Return classes as JSON has them; what it has no word for becomes text.

    Raises UnsupportedModelError where that makes one of two.
    """
    found = tuple(value if _is_plain(value) else str(value) for value in values)
    if len(set(found)) < len(found):
        raise UnsupportedModelError(f"classes that cannot be told apart in JSON: {listing(found)}")
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def meaning(
    task: Task, outputs: int, classes: Labels | None, bad: str | None, decides: bool
) -> Meaning:
    """Settle which class the probability is of; `bad` as on the command line.

    Raises OptionError where it has to be said and is not, or names no class, UnsupportedModelError
    where the classes are not those of the booster.
    """
    if task not in ("binary", "multiclass"):
        if bad is not None:
            raise OptionError(f"--bad is for classes; this model answers {task}")
        return Meaning()
    wanted = 2 if task == "binary" else outputs
    if classes is not None and len(classes) == 1:
        raise UnsupportedModelError(f"trained on one class alone, {classes[0]!r}: nothing to tell")
    if classes is not None and len(classes) != wanted:
        raise UnsupportedModelError(
            f"the classifier knows {len(classes)} classes ({listing(classes)}), "
            f"its booster answers {wanted}"
        )
    if task == "multiclass":
        if bad is not None:
            raise OptionError(f"--bad is for objective binary; this one answers {wanted} classes")
        return Meaning(classes)
    return _of_two(classes, bad, decides)


def _of_two(classes: Labels | None, bad: str | None, decides: bool) -> Meaning:
    if bad is None:
        if classes is None:
            return Meaning()
        if decides:
            raise OptionError(
                f"the classes are {listing(classes)}: --bad CLASS says which one is refused"
            )
        return Meaning(classes, classes[1])
    known = LIGHTGBM if classes is None else classes
    chosen = matching(known, bad)
    if chosen is None:
        why = "the file names no classes; LightGBM's own are" if classes is None else "wants one of"
        raise OptionError(f"--bad {bad}: {why} {listing(known)}")
    return Meaning(known, chosen, chosen, turned=chosen == known[0])


def matching(classes: Labels, value: object) -> Label | None:
    """Return the class that a value of a file or of the command line stands for."""
    for same in (_exactly, _as_text, _as_number):
        for each in classes:
            if same(each, value):
                return each
    return None


def _exactly(label: Label, value: object) -> bool:
    return type(label) is type(value) and label == value


def _as_text(label: Label, value: object) -> bool:
    return str(label) == str(value)


def _as_number(label: Label, value: object) -> bool:
    """Whether both are the same number: 1, 1.0 and true are."""
    if isinstance(label, str) and isinstance(value, str):
        return False
    try:
        return float(label) == float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(label).casefold() == str(value).casefold()
