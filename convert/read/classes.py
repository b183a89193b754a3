"""The classes of a classifier, and which of them the probability is of.

A booster's own text names no classes: scikit-learn's estimators sort the labels they are given, and
keep them beside the booster.
"""

import math
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError, UnsupportedModelError
from ..model.objective import Task
from .pickled import read_pickle, values_of

Label = str | int | float | bool
Labels = tuple[Label, ...]
CLASSIFIER = "_classes"  # the attribute of LightGBM's estimator
LIGHTGBM = (0, 1)  # the labels of lgb.train, where any label above 0 counts as 1


@dataclass(frozen=True)
class Meaning:
    """The classes in the booster's order; None if the file does not name them.

    `of` is the class whose probability is answered and `bad` the one that is refused; both are None
    if unknown. `turned`: the booster itself gives the probability of the other class.
    """

    classes: Labels | None = None
    of: Label | None = None
    bad: Label | None = None
    turned: bool = False

    def told(self, task: Task) -> list[str]:
        """Describe the classes; an empty list if nothing is known."""
        if self.classes is None or task not in ("binary", "multiclass"):
            return []
        listed = listing(self.classes)
        if task == "multiclass":
            return [f"the probabilities are of {listed}"]
        turned = "; the booster itself gives that of the other class" if self.turned else ""
        return [f"the probability is of {self.of!r} (classes {listed}){turned}"]


def listing(classes: Labels) -> str:
    """Return the classes as text."""
    return ", ".join(map(repr, classes))


def classes_in_pickle(content: bytes) -> Labels | None:
    """Return the classes of the one classifier in a pickle, executing nothing of it.

    None if there is none, or if the pickle cannot be followed. Raises UnsupportedModelError if
    several classifiers know different classes.
    """
    try:
        _, things = read_pickle(content)
    except ValueError:
        return None
    states = [thing.state for thing in things if isinstance(thing.state, dict)]
    lists = [values_of(state[CLASSIFIER]) for state in states if CLASSIFIER in state]
    found = {plain(values) for values in lists if values is not None}
    if len(found) > 1:
        raise UnsupportedModelError(f"{len(found)} classifiers with different classes")
    return found.pop() if found else None


def classes_of(estimator: Any) -> Labels | None:
    """Return the classes of a loaded classifier; None for anything else."""
    found = getattr(estimator, CLASSIFIER, None)
    return None if found is None else plain(found.tolist())


def plain(values: list[Any]) -> Labels:
    """Return classes as JSON values; what JSON cannot hold becomes text.

    Raises UnsupportedModelError if two classes become the same.
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
    """Settle which class the probability is of; `bad` is the command line's --bad.

    Raises OptionError if --bad is needed and absent, or names no class, and UnsupportedModelError
    if the classes do not fit the booster.
    """
    if task not in ("binary", "multiclass"):
        if bad is not None:
            raise OptionError(f"--bad needs classes; this model's task is {task}")
        return Meaning()
    wanted = 2 if task == "binary" else outputs
    if classes is not None and len(classes) == 1:
        raise UnsupportedModelError(f"trained on a single class, {classes[0]!r}")
    if classes is not None and len(classes) != wanted:
        raise UnsupportedModelError(
            f"the classifier knows {len(classes)} classes ({listing(classes)}), "
            f"but its booster {wanted}"
        )
    if task == "multiclass":
        if bad is not None:
            raise OptionError(f"--bad needs objective binary; this model has {wanted} classes")
        return Meaning(classes)
    return _of_two(classes, bad, decides)


def _of_two(classes: Labels | None, bad: str | None, decides: bool) -> Meaning:
    if bad is None:
        if classes is None:
            return Meaning()
        if decides:
            raise OptionError(
                f"the classes are {listing(classes)}: say with --bad CLASS which one to refuse"
            )
        return Meaning(classes, classes[1])
    known = LIGHTGBM if classes is None else classes
    chosen = matching(known, bad)
    if chosen is None:
        unnamed = "the file does not name its classes; LightGBM's own are"
        why = unnamed if classes is None else "wanted one of"
        raise OptionError(f"--bad {bad}: {why} {listing(known)}")
    return Meaning(known, chosen, chosen, turned=chosen == known[0])


def matching(classes: Labels, value: object) -> Label | None:
    """Return the class that a value from a file or the command line stands for; None if none."""
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
