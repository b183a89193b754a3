"""An MLflow model folder: which file holds the model, and the names in its signature."""

import json
from pathlib import Path

import yaml

from .errors import UnreadableModelError

FILE_KEYS = ("pickled_model", "model_path", "data")


def read_mlflow(folder: Path) -> tuple[Path, tuple[str, ...] | None]:
    """Return the model's file and the input names, None without a signature.

    Raises UnreadableModelError where `folder` is no MLflow model.
    """
    try:
        described = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        flavors = described["flavors"]
    except FileNotFoundError as error:
        raise UnreadableModelError(f"{folder}: a folder without an MLmodel file") from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise UnreadableModelError(f"{folder}/MLmodel: {error}") from error
    for flavor in ("lightgbm", "sklearn", "python_function"):
        for key in FILE_KEYS:
            name = flavors.get(flavor, {}).get(key)
            if name and (folder / name).is_file():
                return folder / name, _names(described)
    raise UnreadableModelError(f"{folder}/MLmodel names no model file that stands here")


def _names(described: dict[str, dict[str, str]]) -> tuple[str, ...] | None:
    inputs = (described.get("signature") or {}).get("inputs")
    columns = json.loads(inputs) if inputs else []
    names = tuple(column.get("name") for column in columns)
    return names if names and all(names) else None
