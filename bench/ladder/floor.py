"""The floor: the best plain C loop over the native engine's arrays, for a row already laid out.

floor.c clocks itself: what it costs to call it, to lay the row out and to make a probability of
the sum is not in its time.
"""

import ctypes
import itertools
import math
import os
import shutil
import statistics
import subprocess
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from server.native.layout import END_OF_CATEGORIES, Buffer, Layout, lay_out
from server.native.protobuf import Ints
from server.native.trees import Trees

from .engines import Floats, sigmoid

SOURCE = Path(__file__).with_name("floor.c")
# For this very processor, but no fused or reordered arithmetic: the bits are to be LightGBM's.
FLAGS = ("-O2", "-march=native", "-std=c11", "-ffp-contract=off", "-shared", "-fPIC")
NODE = np.dtype([("threshold", np.float64), ("slot", np.uint32), ("next", np.uint32)])
# As in floor.c; and kernel.c's steps before the first look, beyond those of a balanced tree.
MOST_LANES, SLACK = 24, 3
Node = tuple[float, int, int]


class FloorError(Exception):
    """Why there is no floor: one line."""


class Forest(ctypes.Structure):
    """Forest of floor.c."""

    _fields_ = (("nodes", ctypes.c_void_p), ("roots", ctypes.c_void_p), ("sure", ctypes.c_void_p),
                ("x", ctypes.c_void_p), ("trees", ctypes.c_int64))  # fmt: skip


class Floor:
    """A model's trees and the loops over them; the first rows decide which one is timed."""

    def __init__(self, code: ctypes.CDLL, trees: Trees, features: int) -> None:
        laid = lay_out(trees, features)
        self._features, self._categories = features, categories_of(laid)
        self._x = np.zeros(laid.slots)
        self._x[0] = np.nan
        self._arrays = (*arrays_of(trees, laid), self._x)
        self._forest = Forest(*(each.ctypes.data for each in self._arrays), len(trees.roots))
        self._raw = ctypes.c_double()
        self._walk, count = code.floor_walk, code.floor_loops
        self._walk.restype = count.restype = ctypes.c_int64
        self._taken: list[list[int]] = [[] for _ in range(count())]
        self._turns = itertools.cycle(range(count()))

    def __call__(self, row: Floats) -> float:
        """Return the probability; raises FloorError where a loop gives other bits.

        Each loop in turn is the first to meet a row: it finds no path of it in the cache.
        """
        self._lay_out(row)
        first = next(self._turns)
        self._taken[first].append(self._once(first))
        raw = self._raw.value
        for loop in range(len(self._taken)):
            self._once(loop)
            if self._raw.value != raw:
                raise FloorError(f"loop {first} gives {raw!r}, loop {loop} {self._raw.value!r}")
        return sigmoid(raw)

    def timed(self, row: Floats) -> tuple[int, float]:
        """Return the nanoseconds of the fastest loop, and the probability."""
        self._lay_out(row)
        return self._once(self._fastest), sigmoid(self._raw.value)

    @cached_property
    def _fastest(self) -> int:
        medians = [statistics.median(taken) for taken in self._taken]
        return medians.index(min(medians))

    def _once(self, loop: int) -> int:
        forest, raw = ctypes.byref(self._forest), ctypes.byref(self._raw)
        return int(self._walk(forest, ctypes.c_int64(loop), raw))

    def _lay_out(self, row: Floats) -> None:
        """Lay a row of features out in slots, as kernel.c does."""
        absent = np.isnan(row)
        plain = [np.where(absent, -np.inf, row), np.where(absent, np.inf, row), absent]
        self._x[1 : 1 + 3 * self._features] = np.concatenate(plain)
        for feature, slots, known, held in self._categories:
            self._x[slots] = held[place(known, row[feature])]


def place(known: Ints, value: float) -> int:
    """Return which row of a feature's sets a category has: 0 for one that is in no set."""
    if not -1 < value < END_OF_CATEGORIES:
        return 0
    at = int(np.searchsorted(known, int(value)))
    return at + 1 if at < len(known) and known[at] == int(value) else 0


def categories_of(laid: Layout) -> list[tuple[int, slice, Any, Buffer]]:
    """Return for each feature with sets: its slots, its categories, and 1 or 0 for each set."""
    return [
        (feature, slice(first, first + count), known,
         np.unpackbits(bits.view(np.uint8), axis=1, count=count, bitorder="little"))
        for feature, first, count, known, bits in laid.categories
    ]  # fmt: skip


def arrays_of(trees: Trees, laid: Layout) -> tuple[Buffer, Buffer, Buffer]:
    """Return nodes, roots and sure steps as floor.c takes them."""
    nodes: list[Node] = [(0.0, 0, 0)]
    roots, sure = np.zeros((2, len(trees.roots) + MOST_LANES), np.uint32)
    for tree, root in enumerate(trees.roots.tolist()):
        roots[tree] = len(nodes)
        sure[tree] = lay_tree_out(trees, laid, root, nodes)
    return np.array(nodes, NODE), roots, sure


def lay_tree_out(trees: Trees, laid: Layout, root: int, nodes: list[Node]) -> int:
    """Append a tree level by level, children side by side; return its sure steps."""
    first, leaves, depth = len(nodes), 0, 0
    queue = [(root, 0)]
    for child, depth in queue:
        if child < 0:
            nodes.append((float(trees.leaf[-1 - child]), 0, len(nodes)))
            leaves += 1
        else:
            below = first + len(queue)
            nodes.append((float(laid.threshold[child]), int(laid.slot[child]), below))
            queue += [(int(side[child]), depth + 1) for side in (trees.no, trees.yes)]
    return min(depth, math.ceil(math.log2(leaves)) + SLACK)


def compiled() -> ctypes.CDLL:
    """Return floor.c compiled for this processor; raises FloorError."""
    name = os.environ.get("CC", "cc")
    compiler = shutil.which(name)
    if compiler is None:
        raise FloorError(f"no C compiler ({name})")
    with TemporaryDirectory() as folder:
        library = Path(folder) / "floor.so"
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FloorError((done.stderr.strip().splitlines() or ["the compiler failed"])[0])
        return ctypes.CDLL(str(library))
