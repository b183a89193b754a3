"""A scikit-learn pipeline around the booster, from a skops file or a pickle the user trusts."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .calibrating import unwrapped
from .calibrator import Calibrator
from .classes import classes_of
from .damages import DAMAGES, told
from .errors import UnreadableModelError, UnsupportedModelError
from .estimator import TOLD, predicts_otherwise
from .files import regular
from .linear import Nodes
from .loading import Loaded, loaded_text
from .skops_file import build_skops
from .steps import Block, Carrier, Input
from .tree import Floats

MOST_COLUMNS = 100_000


@dataclass(frozen=True)
class Carried:
    """What stands before the booster in the graph: from X to `output`, `[N, len(sources)]`."""

    inputs: list[Input]
    nodes: Nodes
    output: str
    sources: tuple[int, ...]
    transform: Callable[[Floats], Floats]


def load_skops(path: Path) -> tuple[Loaded, Carried | None]:
    """Load a skops file, of which only types on a closed list are built.

    Raises UnsupportedModelError for a type or a step that is not carried, UnreadableModelError for
    what only looks like a model.
    """
    found = build_skops(path)
    try:
        return _split(found, "skops")
    except DAMAGES as error:
        raise UnreadableModelError(f"{path}: no whole model: {told(error)}") from error


def load_trusted(path: Path) -> tuple[Loaded, Carried | None]:
    """Unpickle a file because the user said `--trust-pickle`: it may run any code it holds.

    Raises UnreadableModelError where it does not unpickle here, or to no model.
    """
    import joblib

    try:
        return _split(joblib.load(regular(path)), "trusted pickle")
    except (pickle.PickleError, *DAMAGES) as error:
        raise UnreadableModelError(f"{path}: does not unpickle here: {told(error)}") from error


def _split(found: Any, kind: str) -> tuple[Loaded, Carried | None]:
    before, last, calibrator = _taken_apart(found)
    booster = getattr(last, "booster_", last)
    if not hasattr(booster, "model_to_string"):
        raise UnreadableModelError(f"a LightGBM model wanted, got {type(last).__name__}")
    notes = (TOLD,) if predicts_otherwise(vars(last)) else ()
    loaded = loaded_text(booster.model_to_string(), kind)
    loaded = replace(
        loaded, classes=classes_of(last), notes=loaded.notes + notes, calibrator=calibrator
    )
    return loaded, _carried(before, len(loaded.model.feature_names)) if before else None


def _taken_apart(found: Any) -> tuple[list[Any], Any, Calibrator | None]:
    """Return the steps before the model, the model, and the calibrator around it."""
    before: list[Any] = []
    calibrator = None
    while True:
        match type(found).__name__:
            case "FrozenEstimator":
                found = found.estimator
            case "CalibratedClassifierCV" if calibrator is None:
                calibrator, found = unwrapped(found)
            case "Pipeline":
                *steps, found = (each for _, each in found.steps if not _samples(each))
                before += [each for each in steps if each is not None and each != "passthrough"]
            case _ if hasattr(found, "best_estimator_"):
                found = found.best_estimator_
            case _:
                return before, found, calibrator


def _samples(step: Any) -> bool:
    return hasattr(step, "fit_resample")


def _carried(before: list[Any], width: int) -> Carried:
    first = before[0]
    named = getattr(first, "feature_names_in_", None)
    count = int(first.n_features_in_)
    if not 0 < count <= MOST_COLUMNS or (named is not None and len(named) != count):
        raise UnreadableModelError(f"the first step takes {str(count)[:40]} columns, or its names")
    names = [f"Column_{i}" for i in range(count)] if named is None else [str(n) for n in named]
    carrier = Carrier([Input(name) for name in names])
    block = Block("X", tuple(range(count)))
    for step in before:
        block = carrier.carry(step, block)
    if len(block.sources) != width:
        raise UnsupportedModelError(
            f"the steps give {len(block.sources)} columns, the booster takes {width}"
        )

    def transform(X: Floats) -> Floats:
        rows: Any = X if named is None else _frame(X, carrier.inputs)
        try:
            for step in before:
                rows = step.transform(rows)
            dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
            return np.ascontiguousarray(dense, dtype=np.float64)
        except DAMAGES as error:
            raise UnreadableModelError(f"the steps do not run: {told(error)}") from error

    return Carried(carrier.inputs, carrier.nodes, block.tensor, block.sources, transform)


def _frame(X: Floats, inputs: list[Input]) -> pd.DataFrame:
    """The rows as the pipeline was trained on them: categories by value, NaN for missing."""
    columns = {each.name: _values(X[:, i], each) for i, each in enumerate(inputs)}
    return pd.DataFrame(columns)


def _values(column: Floats, each: Input) -> Any:
    if each.categories is None or each.codes is None:
        return column
    if all(isinstance(value, int | float) for value in each.categories):
        return column
    known = dict(zip(each.codes, each.categories, strict=True))
    return pd.Series([known.get(code, np.nan) for code in column.tolist()], dtype=object)
