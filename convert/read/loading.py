"""Load a model: its text, its trees, its feature names, and the steps that came before it."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import OptionError, UnreadableModelError, UnsupportedModelError
from ..model.calibrator import Calibrator
from ..model.oracle import Oracle
from ..model.parse import parse_model
from ..model.tree import Model
from .classes import Labels
from .mlflow import model_file
from .source import Source, read_source
from .surroundings import ForeignClass

INVENTED = re.compile(r"Column_\d+")
# Steps that change values but keep the columns' order, if they drop none.
KEEP_ORDER = {"SimpleImputer", "StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"}
KEEP_ORDER |= {"SelectKBest", "SelectPercentile", "VarianceThreshold", "SelectFromModel"}
# Steps that keep the order of columns that a ColumnTransformer gave them.
ONE_TO_ONE = {"ColumnTransformer", "FunctionTransformer", "SimpleImputer", "StandardScaler"}
ONE_TO_ONE |= {"MinMaxScaler", "RobustScaler", "MaxAbsScaler"}


@dataclass(frozen=True)
class Loaded:
    """A model ready to convert.

    `steps` are transformations that its rows must already have been through. `others` are all
    classes of other libraries in its file.
    """

    text: str
    model: Model
    kind: str
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    classes: Labels | None = None
    others: tuple[ForeignClass, ...] = ()
    calibrator: Calibrator | None = None
    known_names: tuple[str, ...] = ()

    @property
    def uncarried(self) -> tuple[ForeignClass, ...]:
        """Classes around the booster that may change the answer and are not converted."""
        return tuple(each for each in self.others if each.role not in ("harmless", "carried"))


def calibration(loaded: Loaded) -> list[str]:
    """Describe the calibrator; an empty list without one."""
    found = loaded.calibrator
    if found is None:
        return []
    over = {"raw": "the raw score", "probability": "LightGBM's probability", None: "?"}
    return [f"calibrated: {type(found.curve).__name__.lower()} over {over[found.takes]}"]


def load(path: Path, num_iteration: int | None = None) -> Loaded:
    """Read a text model, a pickle or an MLflow folder, executing nothing of it.

    `num_iteration` keeps the first rounds only. Without it a pickle's early stopping is followed,
    as LightGBM's own predict does. Raises ConvertError.
    """
    source = read_source(model_file(path))
    try:
        return _loaded(source, num_iteration)
    except UnreadableModelError as error:
        raise UnreadableModelError(f"{path}: {error}") from error


def loaded_text(text: str, kind: str = "text", names: tuple[str, ...] | None = None) -> Loaded:
    """Load a model from its text, with names from a signature if any; raises ConvertError."""
    return _loaded(Source(text, kind, names=names), None)


def _loaded(source: Source, num_iteration: int | None) -> Loaded:
    model = parse_model(source.text)
    text, model, notes = _prefix(source, model, num_iteration)
    if model.parameters.get("zero_as_missing") == "1" and any(tree.linear for tree in model.trees):
        raise UnsupportedModelError("linear_tree with zero_as_missing: LightGBM cannot train this")
    steps = _steps(source.others)
    named, name_notes = _named(model, source, steps)
    check_names(named.feature_names)
    if steps:
        name_notes += (
            f"{', '.join(steps)} came before the booster and is not converted: "
            "send rows that are already transformed",
        )
    notes += name_notes + source.notes
    return Loaded(
        text, named, source.kind, steps, notes, source.classes, source.others, source.calibrator,
        source.known_names,
    )  # fmt: skip


def _steps(others: tuple[ForeignClass, ...]) -> tuple[str, ...]:
    """Return the classes that come, or may come, before the booster."""
    names = (each.short for each in others if each.role in ("before", "somewhere"))
    return tuple(dict.fromkeys(name for name in names if name[0].isupper()))


def check_names(names: tuple[str, ...]) -> None:
    """Raise UnsupportedModelError for a duplicate feature name: requests identify features
    by name.
    """
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise UnsupportedModelError(f"more than one feature is named {twice[0]!r}")


def _prefix(
    source: Source, model: Model, num_iteration: int | None
) -> tuple[str, Model, tuple[str, ...]]:
    """Cut the model to the wanted rounds, letting LightGBM write the text."""
    if num_iteration is not None and not 0 < num_iteration <= model.iterations:
        raise OptionError(f"--num-iteration: wanted 1 to {model.iterations}, got {num_iteration}")
    wanted = num_iteration or _rounds(source.best_iterations, model.iterations)
    if wanted >= model.iterations:
        return source.text, model, ()
    text = Oracle(source.text, model.iterations).prefix(wanted)
    note = f"the first {wanted} of {model.iterations} iterations"
    return text, parse_model(text), (note if num_iteration else f"{note}: early stopping",)


def _rounds(best: frozenset[int], iterations: int) -> int:
    """Return early stopping's choice; raises OptionError if there are several."""
    choices = {each if 0 < each < iterations else iterations for each in best} or {iterations}
    if len(choices) > 1:
        listed = " or ".join(map(str, sorted(choices)))
        raise OptionError(
            f"the model has {iterations} rounds, and the file holds a best_iteration that may or "
            f"may not be this model's: choose with --num-iteration {listed}"
        )
    return choices.pop()


def _named(model: Model, source: Source, steps: tuple[str, ...]) -> tuple[Model, tuple[str, ...]]:
    """Replace `Column_i` by the signature's names, if their order is known to be the same."""
    invented = all(INVENTED.fullmatch(name) for name in model.feature_names)
    if not invented or source.names is None:
        return model, ()
    if len(source.names) != len(model.feature_names):
        return model, ("the signature's columns are not the booster's: names stay Column_i",)
    moving = [step for step in steps if step not in KEEP_ORDER]
    if moving and source.order is not None and ONE_TO_ONE.issuperset(steps):
        ordered = tuple(source.names[i] for i in source.order)
        note = (
            "names taken from the MLflow signature, in the order of the pickled ColumnTransformer"
        )
        return replace(model, feature_names=ordered), (note,)
    if moving:
        return model, (f"{moving[0]} may have moved columns: names stay Column_i",)
    return replace(model, feature_names=source.names), ("names taken from the MLflow signature",)
