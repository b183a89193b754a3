"""Trees as the kernel evaluates them: each split compares one slot of a laid-out row.

The head of kernel.c defines the slots; kernel.c also checks every index made here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .protobuf import Ints
from .trees import Floats, NotNativeError, Trees

Buffer = npt.NDArray[np.generic]
Number = TypeVar("Number", np.int64, np.float64)
HALF = 0.5
# convert's stand-in for the empty set: no row holds it.
NEVER = 0.5
END_OF_CATEGORIES = 1 << 31
MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class Layout:
    """Slot, threshold and children of S splits; root and target of T trees; the category sets.

    `categories` are (feature, first slot, number of sets, categories int64, bits uint64 of each).
    """

    slots: int
    slot: Ints
    threshold: Floats
    targets: Ints
    categories: list[tuple[int, int, int, Buffer, Buffer]]


def lay_out(trees: Trees, features: int) -> Layout:
    """Return the layout for rows of `features` numbers; raises NotNativeError."""
    if trees.feature.min() < 0 or trees.feature.max() >= features:
        raise NotNativeError(f"wanted features below {features}, got {trees.feature.max()}")
    slot = 1 + trees.feature + np.where(trees.missing_yes, features, 0)
    threshold = np.where(trees.member, HALF, trees.threshold)
    endless = trees.missing_yes & (trees.threshold == np.inf)
    slot[endless], threshold[endless] = 1 + 2 * features + trees.feature[endless], HALF
    categories, first = [], 1 + 3 * features
    splits, sets = np.flatnonzero(trees.member), sets_of(trees)
    for feature in distinct(trees.feature[splits]).tolist():
        here = np.flatnonzero(trees.feature[splits] == feature)
        numbers: dict[bytes, int] = {}
        for i in here.tolist():
            number = numbers.setdefault(sets[i].tobytes(), len(numbers))
            slot[splits[i]] = first + number
        categories.append((feature, first, len(numbers), *table(list(numbers))))
        first += len(numbers)
    if sum(bits.nbytes for *_, bits in categories) > MOST_BYTES:
        raise NotNativeError(f"its sets of categories would take over {MOST_BYTES >> 20} MiB")
    return Layout(first, slot, threshold, targets_of(trees), categories)


def sets_of(trees: Trees) -> list[Ints]:
    """Return the categories of every categorical split, in order; raises NotNativeError."""
    members, count = trees.members, int(trees.member.sum())
    ends = np.isnan(members)
    if not count and not len(members):
        return []
    if ends.sum() + 1 != count:
        raise NotNativeError(f"wanted {count} sets of categories, got {ends.sum() + 1}")
    never = members == NEVER
    whole = (members >= 0) & (members < END_OF_CATEGORIES) & (members == np.floor(members))
    if not (ends | never | whole).all():
        raise NotNativeError(f"wanted categories that are whole and below {END_OF_CATEGORIES}")
    kept = ends | whole
    numbers = np.where(ends, 0.0, members)[kept].astype(np.int64)
    parts = np.split(numbers, np.flatnonzero(ends[kept]))
    return [parts[0], *(part[1:] for part in parts[1:])]


def table(sets: list[bytes]) -> tuple[Buffer, Buffer]:
    """Return the categories in any of a feature's sets (int64, ascending), and their bits.

    `bits` are rows of uint64 with one bit per set; row 0 is for categories in no set.
    """
    members = [np.frombuffer(each, np.int64) for each in sets]
    known = distinct(np.concatenate(members))
    words = -(-len(sets) // 64)
    if (len(known) + 1) * words * 8 > MOST_BYTES:
        raise NotNativeError(f"its sets of categories would take over {MOST_BYTES >> 20} MiB")
    bits = np.zeros((len(known) + 1, words), np.uint64)
    for number, of_set in enumerate(members):
        rows = np.searchsorted(known, of_set) + 1
        bits[rows, number // 64] |= np.uint64(1 << number % 64)
    return known, bits


def targets_of(trees: Trees) -> Ints:
    """Return the output that each tree adds to, from its leaves; raises NotNativeError.

    Leaves are stored tree after tree, so each tree's are from its smallest to the next tree's.
    """
    roots, splits = trees.roots, len(trees.feature)
    if not len(roots) or roots[0] != 0 or (np.diff(roots) <= 0).any() or roots[-1] >= splits:
        raise NotNativeError("wanted the splits tree after tree")
    leaf = np.concatenate([-1 - trees.yes, -1 - trees.no])
    tree = np.tile(np.repeat(np.arange(len(roots)), np.diff(np.append(roots, splits))), 2)
    tree, leaf = tree[leaf >= 0], leaf[leaf >= 0]
    if leaf.max() >= len(trees.leaf):
        raise NotNativeError(f"wanted leaves below {len(trees.leaf)}, got {leaf.max()}")
    targets = np.zeros(len(roots), np.int64)
    targets[tree] = trees.leaf_target[leaf]
    if (targets[tree] != trees.leaf_target[leaf]).any():
        raise NotNativeError("wanted all leaves of a tree to add to one output")
    return targets


def each_threshold(trees: Trees) -> Iterator[tuple[int, Floats]]:
    """Yield (feature, thresholds or categories in its splits), distinct and ascending."""
    sets, categorical = sets_of(trees), np.flatnonzero(trees.member)
    for feature in distinct(trees.feature).tolist():
        thresholds = trees.threshold[(trees.feature == feature) & ~trees.member]
        members = [sets[i] for i in np.flatnonzero(trees.feature[categorical] == feature)]
        yield feature, distinct(np.concatenate([thresholds, *members]).astype(np.float64))


def distinct(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return the distinct values, ascending; numpy.unique would import numpy.ma, which is slow."""
    ordered = np.sort(values)
    first = np.append(np.ones(min(len(values), 1), bool), ordered[1:] != ordered[:-1])
    found: npt.NDArray[Number] = ordered[first]
    return found
