"""Read an MLflow model folder: which file holds the model, and the names in its signature."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..errors import OptionError, UnreadableModelError
from ..files import read_file, regular

FLAVORS = ("lightgbm", "sklearn", "python_function")
FILE_KEYS = ("pickled_model", "model_path", "data")
# Enough for a signature of ten thousand columns; a YAML parser takes seconds for more.
MOST_BYTES = 4 << 20
SHOWN = 120


@dataclass(frozen=True)
class Described:
    """The model's file and the names of its columns; None without a signature.

    `of_mlflow`: an MLmodel file led to it. `types` maps column names to MLflow's types.
    """

    file: Path
    names: tuple[str, ...] | None = None
    of_mlflow: bool = False
    types: Mapping[str, str] = field(default_factory=dict)


def signature_types(path: Path) -> Mapping[str, str]:
    """Return the types in an MLflow folder's signature; empty for a file."""
    return model_file(path).types


def model_file(path: Path) -> Described:
    """Return the model's file: `path` itself, or the one an MLflow folder names.

    Raises ConvertError if there is no regular file of a readable size.
    """
    try:
        folder = path.is_dir()
    except OSError as error:
        raise OptionError(f"{str(path)[:SHOWN]}: {error.strerror}") from error
    found = read_mlflow(path) if folder else Described(path)
    regular(found.file)
    return found


def read_mlflow(folder: Path) -> Described:
    """Read `MLmodel` as plain YAML; raises UnreadableModelError if `folder` is not a model."""
    place = folder / "MLmodel"
    if not place.exists():
        raise UnreadableModelError(f"{folder}: a folder without an MLmodel file")
    try:
        described = yaml.safe_load(read_file(place, MOST_BYTES).decode("utf-8"))
        flavors = _mapping(described, "the file")["flavors"]
        file = _model_file(folder, _mapping(flavors, "flavors"))
        columns = _columns(described)
        return Described(file, _names(columns), True, _types(columns))
    except KeyError as error:
        raise UnreadableModelError(f"{place}: no {error.args[0]}") from error
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        said = " ".join(str(error).split())[:SHOWN]
        raise UnreadableModelError(f"{place}: not what MLflow writes: {said}") from error


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what}: wanted a mapping, got {type(value).__name__}")
    return value


def _model_file(folder: Path, flavors: dict[str, Any]) -> Path:
    """Return the first named file that is inside the folder."""
    named = [name for flavor in FLAVORS for name in _named(flavors, flavor)]
    for name in named:
        if len(name) < SHOWN and "\0" not in name:
            place = (folder / name).resolve()
            if place.is_relative_to(folder.resolve()) and place.is_file():
                return folder / name
    told = ", ".join(name[:SHOWN] for name in named) or "no model file"
    raise ValueError(f"it names {told}; wanted a file inside the folder")


def _named(flavors: dict[str, Any], flavor: str) -> list[str]:
    options = _mapping(flavors.get(flavor, {}), f"flavor {flavor}")
    return [options[key] for key in FILE_KEYS if isinstance(options.get(key), str)]


def _names(columns: list[dict[str, Any]]) -> tuple[str, ...] | None:
    names = [column.get("name") for column in columns]
    texts = tuple(name for name in names if isinstance(name, str) and name)
    return texts if texts and len(texts) == len(names) else None


def _types(columns: list[dict[str, Any]]) -> dict[str, str]:
    named = ((column.get("name"), column.get("type")) for column in columns)
    return {name: kind for name, kind in named if isinstance(name, str) and isinstance(kind, str)}


def _columns(described: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of the signature; empty without a signature."""
    signature = described.get("signature")
    inputs = None if signature is None else _mapping(signature, "signature").get("inputs")
    columns = json.loads(inputs) if isinstance(inputs, str) and inputs else inputs
    if columns is None:
        return []
    if not isinstance(columns, list):
        raise ValueError(f"signature.inputs: wanted a list, got {type(columns).__name__}")
    return [_mapping(column, "a column of the signature") for column in columns]
