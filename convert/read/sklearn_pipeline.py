"""Load a scikit-learn pipeline around the booster, from a skops file or a trusted pickle."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UnreadableModelError, UnsupportedModelError
from ..files import regular
from ..graph.linear import Nodes
from ..library_errors import LIBRARY_ERRORS, describe_error
from ..model.calibrator import Calibrator
from ..model.tree import Floats
from .calibrating import unwrapped
from .classes import classes_of
from .estimator import notes_on
from .loading import Loaded, loaded_text
from .mlflow import Described
from .sklearn_steps import Block, Carrier, Input
from .skops_file import build_skops

MOST_COLUMNS = 100_000


@dataclass(frozen=True)
class Carried:
    """The steps before the booster as graph nodes, from X to `output` `[N, len(sources)]`."""

    inputs: list[Input]
    nodes: Nodes
    output: str
    sources: tuple[int, ...]
    transform: Callable[[Floats], Floats]


def load_skops(found: Described) -> tuple[Loaded, Carried | None]:
    """Load a skops file; only types on a closed list are built.

    Raises UnsupportedModelError for a type or step that cannot be converted, and
    UnreadableModelError for a damaged model.
    """
    built = build_skops(found.file)
    try:
        return _split(built, "skops", found)
    except LIBRARY_ERRORS as error:
        raise UnreadableModelError(
            f"{found.file}: not a complete model: {describe_error(error)}"
        ) from error


def load_trusted(found: Described) -> tuple[Loaded, Carried | None]:
    """Unpickle a file because the user gave `--trust-pickle`: this may run any code in it.

    Raises UnreadableModelError if it cannot be unpickled here, or does not hold a model.
    """
    import joblib

    try:
        return _split(joblib.load(regular(found.file)), "trusted pickle", found)
    except (pickle.PickleError, *LIBRARY_ERRORS) as error:
        raise UnreadableModelError(
            f"{found.file}: cannot be unpickled here: {describe_error(error)}"
        ) from error


def _split(found: Any, kind: str, place: Described) -> tuple[Loaded, Carried | None]:
    parts = _taken_apart(found)
    booster = getattr(parts.model, "booster_", parts.model)
    if not hasattr(booster, "model_to_string"):
        raise UnreadableModelError(f"{place.file}: {_no_model(parts.model)}")
    names = None if parts.before else place.names
    kind = f"mlflow {kind}" if place.of_mlflow else kind
    loaded = loaded_text(booster.model_to_string(), kind, names)
    notes = notes_on(vars(parts.model))
    loaded = replace(
        loaded, classes=classes_of(parts.model), notes=loaded.notes + notes,
        calibrator=parts.calibrator, known_names=parts.names,
    )  # fmt: skip
    if not parts.before:
        return loaded, None
    return loaded, _carried(parts.before, len(loaded.model.feature_names), place.names)


def _no_model(found: Any) -> str:
    """Say what a file holds instead of a model, and what to do about it."""
    said = f"wanted a LightGBM model or a Pipeline, got {type(found).__name__}"
    if not isinstance(found, dict):
        return said
    keys = ", ".join(repr(key)[:40] for key in list(found)[:8])
    return (
        f"{said} with {keys}: save the Pipeline itself, or leave out --trust-pickle, which then "
        "finds the booster in the dict (--booster-alone if it holds steps too)"
    )


@dataclass
class _Parts:
    """The steps before the model, the model, its calibrator, and the names of its columns."""

    before: list[Any]
    model: Any
    calibrator: Calibrator | None = None
    names: tuple[str, ...] = ()


def _taken_apart(found: Any) -> _Parts:
    parts = _Parts([], found)
    while True:
        parts.names += tuple(map(str, getattr(found, "feature_names_in_", ())))
        match type(found).__name__:
            case "FrozenEstimator":
                found = found.estimator
            case "CalibratedClassifierCV" if parts.calibrator is None:
                parts.calibrator, found = unwrapped(found)
            case "Pipeline":
                *steps, found = (each for _, each in found.steps if not _samples(each))
                parts.before += [each for each in steps if each not in (None, "passthrough")]
            case _ if hasattr(found, "best_estimator_"):
                found = found.best_estimator_
            case _:
                parts.model = found
                return parts


def _samples(step: Any) -> bool:
    return hasattr(step, "fit_resample")


def _carried(before: list[Any], width: int, known: tuple[str, ...] | None) -> Carried:
    first = before[0]
    named = getattr(first, "feature_names_in_", None)
    count = int(first.n_features_in_)
    if not 0 < count <= MOST_COLUMNS or (named is not None and len(named) != count):
        raise UnreadableModelError(
            f"the first step takes {str(count)[:40]} columns, or other names than columns"
        )
    if named is not None:
        known = tuple(str(name) for name in named)
    elif known is None or len(known) != count:
        known = tuple(f"Column_{i}" for i in range(count))
    carrier = Carrier([Input(name) for name in known])
    block = Block("X", tuple(range(count)))
    for step in before:
        block = carrier.carry(step, block)
    if len(block.sources) != width:
        raise UnsupportedModelError(
            f"the steps give {len(block.sources)} columns, but the booster takes {width}"
        )

    def transform(X: Floats) -> Floats:
        rows: Any = X if named is None else _frame(X, carrier.inputs)
        try:
            with np.errstate(all="ignore"):
                for step in before:
                    rows = step.transform(rows)
            dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
            return np.ascontiguousarray(dense, dtype=np.float64)
        except LIBRARY_ERRORS as error:
            raise UnreadableModelError(
                f"the pipeline's steps fail: {describe_error(error)}"
            ) from error

    return Carried(carrier.inputs, carrier.nodes, block.tensor, block.sources, transform)


def _frame(X: Floats, inputs: list[Input]) -> pd.DataFrame:
    """Return rows as the pipeline was fitted on: categories by value, NaN for missing."""
    columns = {each.name: _values(X[:, i], each) for i, each in enumerate(inputs)}
    return pd.DataFrame(columns)


def _values(column: Floats, each: Input) -> Any:
    if each.categories is None or each.codes is None:
        return column
    plain = all(isinstance(value, int | float) for value in each.categories)
    if plain and each.missing is not None:
        return column
    known = dict(zip(each.codes, each.categories, strict=True))
    return pd.Series([known.get(code, each.missing) for code in column.tolist()], dtype=object)
