"""The trees of a bundle, as paths.py and quadrature.py know them: convert/prove has its own."""

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import BundleError
from .trees import MEMBER as MEMBER
from .trees import Trees

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
UnsupportedModelError = BundleError


class Ensemble:
    """S splits, L leaves, T trees. Raises BundleError for trees that do not end."""

    def __init__(self, found: Trees, taken: int, outputs: int) -> None:
        """Take trees over `taken` numbers that add to `outputs` raw scores."""
        check(found, taken, outputs)
        self.roots, self.feature, self.threshold = found.roots, found.feature, found.threshold
        self.mode, self.members = np.where(found.member, MEMBER, 0), found.members
        self.missing_true = found.missing_yes
        self.true_child, self.true_is_leaf = positions(found.yes)
        self.false_child, self.false_is_leaf = positions(found.no)
        self.leaf_value, self.leaf_output = found.leaf, found.leaf_target
        self.outputs, self.trees = outputs, len(found.roots)


def positions(child: Ints) -> tuple[Ints, Bools]:
    """Return which split or leaf each child is, and whether it is a leaf."""
    is_leaf = child < 0
    return np.where(is_leaf, -1 - child, child), is_leaf


def check(found: Trees, taken: int, outputs: int) -> None:
    """Raise BundleError unless every index is within its bounds and every split met once."""
    children = np.concatenate([found.yes, found.no])
    ahead, leaves = np.append(children[children >= 0], found.roots), -1 - children[children < 0]
    bounds = {
        "splits": (ahead, len(found.feature)), "leaves": (leaves, len(found.leaf)),
        "features": (found.feature, taken), "targets": (found.leaf_target, outputs),
    }  # fmt: skip
    for what, (places, end) in bounds.items():
        if len(places) and not 0 <= places.min() <= places.max() < end:
            raise BundleError(f"model.onnx: wanted {what} below {end}, got {places.max()}")
    if (np.bincount(ahead) > 1).any() or not len(found.roots):
        raise BundleError("model.onnx: wanted trees, got splits that are met twice")
    if found.member.sum() != sets_in(found.members):
        raise BundleError("model.onnx: wanted a set of categories for each split by membership")


def sets_in(members: Floats) -> int:
    """Return how many sets stand one after another, a NaN between them."""
    return int(np.isnan(members).sum()) + 1 if len(members) else 0
