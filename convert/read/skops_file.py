"""Load a skops file: all its types are checked against a closed list before anything is built."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ConvertError, UnreadableModelError, UnsupportedModelError
from ..files import MOST_BYTES
from ..library_errors import LIBRARY_ERRORS, describe_error
from ..model.parse import parse_model
from .sklearn_steps import FUNCTIONS, STEPS
from .skops_types import ALLOWED, NAMES

SCHEMA = "schema.json"
BOOSTER = "lightgbm.basic.Booster"


class Bounded(zipfile.ZipFile):
    """A zip file that hands out at most `MOST_BYTES` in total."""

    left = MOST_BYTES

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        """Return a member's bytes; raises UnreadableModelError beyond the limit."""
        info = name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)
        self.left -= info.file_size
        if self.left < 0:
            raise UnreadableModelError(f"unpacks to more than {MOST_BYTES >> 20} MB")
        return super().read(info, pwd)


def is_skops(path: Path) -> bool:
    """Whether this is a zip file with a skops schema."""
    try:
        with zipfile.ZipFile(path) as archive:
            return SCHEMA in archive.namelist()
    except LIBRARY_ERRORS:
        return False


def build_skops(path: Path) -> Any:
    """Return the object in the file, built only if all its types are on the closed list.

    Raises UnsupportedModelError naming a type that is not, and UnreadableModelError for a damaged
    file.
    """
    from skops.io._audit import audit_tree, get_tree
    from skops.io._utils import read_schema

    try:
        with Bounded(path) as archive:
            tree = get_tree(*read_schema(archive), trusted=None)
            nodes = list(_nodes(tree))
            for node in nodes:
                _check(node)
            audit_tree(tree, NAMES)
            for node in nodes:
                _check_booster(node)
            return tree.construct()
    except ConvertError as error:
        raise type(error)(f"{path}: {error}") from error
    except LIBRARY_ERRORS as error:
        raise UnreadableModelError(
            f"{path}: a damaged skops file: {describe_error(error)}"
        ) from error


def _nodes(tree: Any) -> Iterator[Any]:
    """Yield every node of skops' tree once."""
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not hasattr(node, "children"):
            continue
        seen.add(id(node))
        yield node
        for child in node.children.values():
            waiting += _listed(child)


def _listed(child: Any) -> list[Any]:
    if isinstance(child, dict):
        return list(child.values())
    return child if isinstance(child, list) else [child]


def _check(node: Any) -> None:
    """Raise UnsupportedModelError for a node that is not on the list."""
    kind, name = type(node), f"{node.module_name}.{node.class_name}"
    if name not in ALLOWED.get(f"{kind.__module__}.{kind.__name__}", ()):
        raise UnsupportedModelError(
            f"holds {name[:120]} ({kind.__name__}), which no supported step needs; nothing of the "
            f"file was built. Supported are {', '.join(STEPS)}, and numpy's {', '.join(FUNCTIONS)}"
        )


def _check_booster(node: Any) -> None:
    """Check a booster's text before it is built: LightGBM may abort on a damaged one."""
    if f"{node.module_name}.{node.class_name}" != BOOSTER or not hasattr(node, "attrs"):
        return
    state = node.attrs.content
    text = json.loads(state.get("_handle", state.get("handle")).content)
    if not isinstance(text, str):
        raise UnreadableModelError(f"wanted a booster's text, got {type(text).__name__}")
    parse_model(text)
