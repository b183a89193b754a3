"""Parse LightGBM's text format (v2, v3, v4, and older ones without a version line) into a `Model`.

The text is parsed directly: LightGBM writes numbers as `%.17g`, so every bit survives.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UnreadableModelError, UnsupportedModelError
from .tree import Floats, LinearLeaves, Model, Tree
from .validate import PARAMETER, check_whole, end_of_trees

DAMAGES = (KeyError, ValueError, IndexError, OverflowError)
KNOWN_VERSIONS = (None, "v2", "v3", "v4")
# Fields that are checked but not used: one number per split, or (+1) per leaf.
UNREAD = {"internal_value": 0, "internal_weight": 0, "leaf_weight": 1}
HEADER = ("num_class", "label_index", "max_feature_idx")


def parse_model(text: str) -> Model:
    """Parse a text model.

    Raises UnreadableModelError if the text is not a complete model, and UnsupportedModelError for
    an unknown version.
    """
    try:
        return _parse(text)
    except KeyError as error:
        raise UnreadableModelError(f"the model text has no {error.args[0]}: cut off?") from error
    except DAMAGES as error:
        raise UnreadableModelError(f"the model text is damaged: {error}") from error


def _parse(text: str) -> Model:
    end = end_of_trees(text)
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
    check_whole(model, header, text)
    return model


def _fields(block: str) -> dict[str, str]:
    # Not splitlines: it also splits at U+0085 or U+2028, which a feature's name may hold.
    pairs = (line.partition("=") for line in block.split("\n") if line)
    return {key: value for key, _, value in pairs}


def _tree(number: int, block: str) -> Tree:
    first, _, rest = block.partition("\n")
    if int(first) != number:
        raise UnreadableModelError(f"wanted tree {number}, found tree {first}: trees are missing")
    fields = _fields(rest)
    try:
        return _typed_tree(fields)
    except KeyError as error:
        raise UnreadableModelError(f"tree {number} has no {error.args[0]}: cut off?") from error
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
        split_count=_counts(fields, "internal_count", splits, splits),
        leaf_count=_counts(fields, "leaf_count", splits, leaves),
    )
    _check_links(tree)
    _check_unread(fields, splits)
    return tree


def _counts(fields: dict[str, str], key: str, splits: int, count: int) -> Floats | None:
    """Read counts; None where the text has none, as of a tree without a split it may not."""
    return _floats(fields, key, count) if key in fields and splits else None


def _check_unread(fields: dict[str, str], splits: int) -> None:
    """Check fields that only LightGBM reads: it aborts the process if they are damaged."""
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
        raise ValueError(f"{key} has {len(found)} values, wanted {count}")
    return found


def _ints(fields: dict[str, str], key: str, count: int) -> NDArray[np.int64]:
    return _numbers(fields, key, count, np.int64)


def _floats(fields: dict[str, str], key: str, count: int) -> NDArray[np.float64]:
    return _numbers(fields, key, count, np.float64)


def _check_links(tree: Tree) -> None:
    """Check that every split (except the root) and every leaf has one parent, which comes before
    it.
    """
    splits = len(tree.left_child)
    children = np.concatenate([tree.left_child, tree.right_child])
    wanted = np.concatenate([-1 - np.arange(splits + 1), np.arange(1, splits)])
    if splits and not np.array_equal(np.sort(children), np.sort(wanted)):
        raise ValueError("the splits do not form one tree")
    parents = np.tile(np.arange(splits), 2)
    if np.any((children >= 0) & (children <= parents)):
        raise ValueError("a split comes before its parent")


def _pandas_categorical(text: str) -> list[list[object]] | None:
    _, found, line = text.rpartition("\npandas_categorical:")
    if not found:
        return None
    try:
        return _category_lists(json.loads(line.partition("\n")[0]))
    except (ValueError, IndexError) as error:
        raise UnreadableModelError(f"the pandas_categorical line is damaged: {error}") from error


def _category_lists(value: Any) -> list[list[object]] | None:
    """Check that this is one list of distinct categories per column."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, list) for each in value):
        raise ValueError(f"wanted a list of lists, got {str(value)[:60]}")
    for each in value:
        if any(isinstance(category, list | dict) for category in each):
            raise ValueError(f"wanted texts and numbers, got {str(each)[:60]}")
        if len(set(each)) != len(each):
            raise ValueError(f"a category occurs twice in {str(each)[:60]}")
    return value
