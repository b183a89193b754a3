"""Check that a model text is complete: LightGBM aborts its process on some that are not."""

import re
from collections.abc import Sequence

import numpy as np

from ..errors import UnreadableModelError
from .tree import Model, Tree

TREES_END = ("\nend of trees", "\nfeature_importances:", "\nfeature importances:", "\nparameters:")
END = "end of parameters"
TREE = re.compile(r"^Tree=", re.MULTILINE)
PARAMETER = re.compile(r"^\[(\w+): ?(.*)\]$", re.MULTILINE)


def end_of_trees(text: str) -> int:
    """Return where the trees end; the importances and parameters after them may hold any words."""
    found = [at for at in (text.find(mark) for mark in TREES_END) if at >= 0]
    return min(found, default=len(text))


def check_whole(model: Model, header: dict[str, str], text: str) -> None:
    """Raise UnreadableModelError if a part is missing or parts contradict each other."""
    _check_parameters(text)
    _check_sizes(header, text[: end_of_trees(text)])
    _check_outputs(model.trees_per_iteration, header)
    if not model.trees:
        raise UnreadableModelError("the model has no trees")
    if end_of_trees(text) == len(text) or ("\nparameters:" in text and END not in text):
        raise UnreadableModelError("the text ends before its last line: cut off?")
    if len(model.trees) % model.trees_per_iteration:
        raise UnreadableModelError("the last iteration lacks trees: cut off?")
    features = int(header.get("max_feature_idx", len(model.feature_names) - 1)) + 1
    if features != len(model.feature_names):
        raise UnreadableModelError(f"{features} features, {len(model.feature_names)} names")
    if model.feature_infos and len(model.feature_infos) != features:
        raise UnreadableModelError(f"{features} features, {len(model.feature_infos)} infos")
    _check_features(model.trees, features)
    _check_leaves(model.trees)


def _check_parameters(text: str) -> None:
    """Check the parameter lines: LightGBM reads out of bounds on one it cannot split."""
    _, found, rest = text.partition("\nparameters:\n")
    if END in text and not found:
        raise UnreadableModelError("the text ends its parameters without beginning them")
    for line in rest.partition(END)[0].split("\n") if found else []:
        if line and not PARAMETER.fullmatch(line):
            raise UnreadableModelError(f"a parameter is damaged: {line[:60]!r}")


def _check_sizes(header: dict[str, str], trees: str) -> None:
    """Check `tree_sizes`, by which LightGBM finds its trees: it aborts if one of them is wrong."""
    if "tree_sizes" not in header:
        return
    wanted = [int(size) for size in header["tree_sizes"].split()]
    starts = [found.start() for found in TREE.finditer(trees)]
    if len(wanted) != len(starts):
        raise UnreadableModelError(f"wanted {len(wanted)} trees, found {len(starts)}: cut off?")
    ends = [*starts[1:], len(trees) + 1]
    for number, (start, end, size) in enumerate(zip(starts, ends, wanted, strict=True)):
        blank_end = number == len(wanted) - 1 and not trees[start + size :].strip()
        if size > end - start or (size < end - start and not blank_end):
            raise UnreadableModelError(f"tree {number}: wanted {size} bytes, found {end - start}")


def _check_features(trees: Sequence[Tree], features: int) -> None:
    for number, tree in enumerate(trees):
        used = tree.split_feature
        if len(used) and (used.min() < 0 or used.max() >= features):
            raise UnreadableModelError(f"tree {number} splits on a feature beyond the {features}")


def _check_leaves(trees: Sequence[Tree]) -> None:
    """Refuse a leaf value that is not finite: no answer or record could hold such a score."""
    for number, tree in enumerate(trees):
        wrong = np.flatnonzero(~np.isfinite(tree.leaf_value))
        if len(wrong):
            leaf = int(wrong[0])
            raise UnreadableModelError(
                f"tree {number}, leaf {leaf}: wanted a finite value, got {tree.leaf_value[leaf]}"
            )


def _check_outputs(trees_per_iteration: int, header: dict[str, str]) -> None:
    """Check that both counts of outputs agree: LightGBM reads out of bounds if they do not."""
    if not 1 <= trees_per_iteration == int(header["num_class"]):
        raise UnreadableModelError(
            f"{header['num_class']} outputs, {trees_per_iteration} trees an iteration"
        )
