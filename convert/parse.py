"""LightGBM's text model (v2, v3, v4 and the older ones without a version line) to a typed `Model`.

The text is read directly because its numbers are `%.17g`, so every bit survives.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UnreadableModelError, UnsupportedModelError
from .tree import LinearLeaves, Model, Tree

DAMAGES = (KeyError, ValueError, IndexError, OverflowError)
KNOWN_VERSIONS = (None, "v2", "v3", "v4")
TREES_END = ("\nend of trees", "\nfeature_importances:", "\nfeature importances:", "\nparameters:")
END = "end of parameters"
# Numbers per tree beside those used here: splits, or leaves, which are one more.
UNREAD = {"internal_value": 0, "internal_weight": 0, "internal_count": 0}
UNREAD |= {"leaf_weight": 1, "leaf_count": 1}
HEADER = ("num_class", "label_index", "max_feature_idx")
TREE = re.compile(r"^Tree=", re.MULTILINE)
PARAMETER = re.compile(r"^\[(\w+): ?(.*)\]$", re.MULTILINE)


def parse_model(text: str) -> Model:
    """Read a text model.

    Raises UnreadableModelError for text that is not a whole model and UnsupportedModelError for a
    model of an unknown version.
    """
    try:
        return _parse(text)
    except DAMAGES as error:
        raise UnreadableModelError(f"the model text is damaged: {error}") from error


def _parse(text: str) -> Model:
    end = _end_of_trees(text)
    header_text, *tree_texts = text[:end].split("\nTree=")
    header = _fields(header_text)
    if not header_text.lstrip().startswith("tree") or "feature_names" not in header:
        raise UnreadableModelError("not a LightGBM text model: it does not begin with `tree`")
    if header.get("version") not in KNOWN_VERSIONS:
        raise UnsupportedModelError(f"text format {header['version']}; known are v2, v3 and v4")
    for key in HEADER:
        int(header[key])
    trees = tuple(_tree(number, part) for number, part in enumerate(tree_texts))
    model = Model(
        version=header.get("version", "none"),
        objective=header.get("objective"),
        trees_per_iteration=int(header.get("num_tree_per_iteration", header.get("num_class", "1"))),
        average_output="average_output" in header,
        feature_names=tuple(header["feature_names"].split(" ")),
        feature_infos=tuple(header.get("feature_infos", "").split()),
        trees=trees,
        pandas_categorical=_pandas_categorical(text),
        parameters=dict(PARAMETER.findall(text[end:])),
    )
    _check_whole(model, header, text)
    return model


def _end_of_trees(text: str) -> int:
    """Find where the trees end; importances and parameters, which follow, may hold any words."""
    found = [at for at in (text.find(mark) for mark in TREES_END) if at >= 0]
    return min(found, default=len(text))


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines() if line)
    return {key: value for key, _, value in pairs}


def _tree(number: int, block: str) -> Tree:
    first, _, rest = block.partition("\n")
    if int(first) != number:
        raise UnreadableModelError(f"tree {number} wanted, tree {first} found: trees are missing")
    fields = _fields(rest)
    try:
        return _typed_tree(fields)
    except DAMAGES as error:
        raise UnreadableModelError(f"tree {number} is damaged: {error}") from error


def _typed_tree(fields: dict[str, str]) -> Tree:
    leaves = int(fields["num_leaves"])
    splits = leaves - 1
    sets = int(fields["num_cat"])
    boundaries = _ints(fields, "cat_boundaries", sets + 1) if sets else np.zeros(1, np.int64)
    tree = Tree(
        split_feature=_ints(fields, "split_feature", splits),
        threshold=_floats(fields, "threshold", splits),
        decision_type=_ints(fields, "decision_type", splits),
        left_child=_ints(fields, "left_child", splits),
        right_child=_ints(fields, "right_child", splits),
        leaf_value=_floats(fields, "leaf_value", leaves),
        split_gain=_floats(fields, "split_gain", splits),
        cat_boundaries=boundaries,
        cat_threshold=_ints(fields, "cat_threshold", int(boundaries[-1])),
        linear=_linear(fields, leaves) if fields.get("is_linear", "0") == "1" else None,
    )
    _check_links(tree)
    _check_unread(fields, splits)
    return tree


def _check_unread(fields: dict[str, str], splits: int) -> None:
    """What only LightGBM reads has to be whole too: it ends the whole process where it is not."""
    for key, more in UNREAD.items():
        if key in fields and splits:
            _floats(fields, key, splits + more)
    if "shrinkage" in fields:
        _floats(fields, "shrinkage", 1)


def _linear(fields: dict[str, str], leaves: int) -> LinearLeaves:
    counts = _ints(fields, "num_features", leaves)
    total = int(counts.sum())
    return LinearLeaves(
        const=_floats(fields, "leaf_const", leaves),
        counts=counts,
        features=_ints(fields, "leaf_features", total),
        coefficients=_floats(fields, "leaf_coeff", total),
    )


def _numbers(fields: dict[str, str], key: str, count: int, kind: type) -> NDArray[Any]:
    if count == 0:
        return np.zeros(0, kind)
    found: NDArray[Any] = np.fromstring(fields[key], dtype=kind, sep=" ")
    if len(found) != count:
        raise ValueError(f"{key} has {len(found)} values, {count} wanted")
    return found


def _ints(fields: dict[str, str], key: str, count: int) -> NDArray[np.int64]:
    return _numbers(fields, key, count, np.int64)


def _floats(fields: dict[str, str], key: str, count: int) -> NDArray[np.float64]:
    return _numbers(fields, key, count, np.float64)


def _check_links(tree: Tree) -> None:
    """Every split but the root and every leaf has one parent, which stands before it."""
    splits = len(tree.left_child)
    children = np.concatenate([tree.left_child, tree.right_child])
    wanted = np.concatenate([-1 - np.arange(splits + 1), np.arange(1, splits)])
    if splits and not np.array_equal(np.sort(children), np.sort(wanted)):
        raise ValueError("its splits do not form one tree")
    parents = np.tile(np.arange(splits), 2)
    if np.any((children >= 0) & (children <= parents)):
        raise ValueError("a split stands before its parent")


def _pandas_categorical(text: str) -> list[list[object]] | None:
    _, found, line = text.rpartition("\npandas_categorical:")
    if not found:
        return None
    try:
        value: list[list[object]] | None = json.loads(line.splitlines()[0])
    except (ValueError, IndexError) as error:
        raise UnreadableModelError(f"the pandas_categorical line is damaged: {error}") from error
    return value


def _check_whole(model: Model, header: dict[str, str], text: str) -> None:
    _check_parameters(text)
    _check_sizes(header, text[: _end_of_trees(text)])
    if not model.trees:
        raise UnreadableModelError("a model without trees")
    if _end_of_trees(text) == len(text) or ("\nparameters:" in text and END not in text):
        raise UnreadableModelError("the text ends before its last line: cut off?")
    if len(model.trees) % model.trees_per_iteration:
        raise UnreadableModelError("the last iteration lacks trees: cut off?")
    features = int(header.get("max_feature_idx", len(model.feature_names) - 1)) + 1
    if features != len(model.feature_names):
        raise UnreadableModelError(f"{features} features, {len(model.feature_names)} names")
    if model.feature_infos and len(model.feature_infos) != features:
        raise UnreadableModelError(f"{features} features, {len(model.feature_infos)} infos")
    _check_features(model.trees, features)


def _check_parameters(text: str) -> None:
    """LightGBM reads past its memory at a parameter line it cannot split."""
    _, found, rest = text.partition("\nparameters:\n")
    if END in text and not found:
        raise UnreadableModelError("the parameters have no beginning")
    for line in rest.partition(END)[0].splitlines() if found else []:
        if line and not PARAMETER.fullmatch(line):
            raise UnreadableModelError(f"a parameter is damaged: {line[:60]!r}")


def _check_sizes(header: dict[str, str], trees: str) -> None:
    """LightGBM finds its trees by these sizes, and ends the whole process where they are wrong."""
    if "tree_sizes" not in header:
        return
    wanted = [int(size) for size in header["tree_sizes"].split()]
    starts = [found.start() for found in TREE.finditer(trees)]
    if len(wanted) != len(starts):
        raise UnreadableModelError(f"{len(wanted)} trees wanted, {len(starts)} found: cut off?")
    ends = [*starts[1:], len(trees) + 1]
    for number, (start, end, size) in enumerate(zip(starts, ends, wanted, strict=True)):
        blank_end = number == len(wanted) - 1 and not trees[start + size :].strip()
        if size > end - start or (size < end - start and not blank_end):
            raise UnreadableModelError(f"tree {number}: {size} bytes wanted, {end - start} found")


def _check_features(trees: Sequence[Tree], features: int) -> None:
    for number, tree in enumerate(trees):
        used = tree.split_feature
        if len(used) and (used.min() < 0 or used.max() >= features):
            raise UnreadableModelError(f"tree {number} splits on a feature beyond the {features}")
