"""The floor: the fastest plain C loop over the native engine's arrays, for a prepared row.

floor.c has its own clock: its time excludes calling it, laying out the row, and turning the sum
into a probability.
"""

import ctypes
import math
import os
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from server.engine.native.layout import END_OF_CATEGORIES, Buffer, Layout, lay_out
from server.engine.native.protobuf import Ints
from server.engine.native.trees import Trees

from .timed import Floats, Timed, sigmoid

SOURCE = Path(__file__).with_name("floor.c")
# For this very processor, but no fused or reordered arithmetic: the bits are to be LightGBM's.
FLAGS = ("-O2", "-march=native", "-std=c11", "-ffp-contract=off", "-shared", "-fPIC")
NODE = np.dtype([("threshold", np.float64), ("slot", np.uint32), ("next", np.uint32)])
# As in floor.c; and kernel.c's steps before the first look, beyond those of a balanced tree.
MOST_LANES, SLACK = 20, 3
Node = tuple[float, int, int]


class FloorError(Exception):
    """The floor cannot be measured; the message is one line."""


class Forest(ctypes.Structure):
    """The struct Forest of floor.c."""

    _fields_ = (("nodes", ctypes.c_void_p), ("roots", ctypes.c_void_p), ("sure", ctypes.c_void_p),
                ("x", ctypes.c_void_p), ("trees", ctypes.c_int64), ("slots", ctypes.c_int64),
                )  # fmt: skip


class Floor:
    """A model's trees and the loops over them; the rows before the first timing choose the loop."""

    def __init__(self, code: ctypes.CDLL, trees: Trees, features: int) -> None:
        laid = lay_out(trees, features)
        self._categories = categories_of(laid)
        self._arrays = (*arrays_of(trees, laid), np.zeros(laid.slots))
        addresses = [each.ctypes.data for each in self._arrays]
        self._forest = Forest(*addresses, len(trees.roots), laid.slots)
        self._code = code
        code.floor_loops.restype = ctypes.c_int64
        self._loops = range(code.floor_loops())
        self._first_rows: list[Floats] = []

    def __call__(self, row: Floats) -> float:
        """Return the probability; raises FloorError if two loops differ in a bit."""
        self._first_rows.append(row)
        laid = self._lay_out(row[np.newaxis])
        found = {self._walk(loop, laid)[1].item() for loop in self._loops}
        if len(found) > 1:
            raise FloorError(f"loops that differ: {found}")
        return sigmoid(found.pop())

    def time_rows(self, rows: Floats) -> Timed:
        """Return nanoseconds of the walk and the probability for each row, with the fastest
        loop.
        """
        taken, raw = self._walk(self._fastest, self._lay_out(rows))
        return taken.tolist(), [sigmoid(each) for each in raw.tolist()]

    @cached_property
    def _fastest(self) -> int:
        laid = self._lay_out(np.array(self._first_rows))
        medians = [float(np.median(self._walk(loop, laid)[0])) for loop in self._loops]
        return medians.index(min(medians))

    def _walk(self, loop: int, laid: Floats) -> tuple[Ints, Floats]:
        """Return nanoseconds and raw score of each row."""
        taken, raw = np.zeros(len(laid), np.int64), np.zeros(len(laid))
        rows, *results = (ctypes.c_void_p(each.ctypes.data) for each in (laid, taken, raw))
        count = ctypes.c_int64(len(laid))
        self._code.floor_walk(
            ctypes.byref(self._forest), ctypes.c_int64(loop), rows, count, *results
        )
        return taken, raw

    def _lay_out(self, rows: Floats) -> Floats:
        """Return rows [N, features] in the slots that kernel.c uses."""
        absent = np.isnan(rows)
        sets = [
            held[[place(known, value) for value in rows[:, feature].tolist()]]
            for feature, known, held in self._categories
        ]
        no, yes = (np.where(absent, end, rows) for end in (-np.inf, np.inf))
        leaf = np.full((len(rows), 1), np.nan)
        return np.hstack([leaf, no, yes, absent, *sets])


def place(known: Ints, value: float) -> int:
    """Return the row of a feature's set table for a category; 0 if it is in no set."""
    if not -1 < value < END_OF_CATEGORIES:
        return 0
    at = int(np.searchsorted(known, int(value)))
    return at + 1 if at < len(known) and known[at] == int(value) else 0


def categories_of(laid: Layout) -> list[tuple[int, Any, Buffer]]:
    """Return for each feature with sets, in slot order: its categories and rows of bits."""
    return [
        (feature, known,
         np.unpackbits(bits.view(np.uint8), axis=1, count=count, bitorder="little"))
        for feature, _, count, known, bits in laid.categories
    ]  # fmt: skip


def arrays_of(trees: Trees, laid: Layout) -> tuple[Buffer, Buffer, Buffer]:
    """Return nodes, roots and sure steps as floor.c needs them."""
    nodes: list[Node] = [(0.0, 0, 0)]
    roots, sure = np.zeros((2, len(trees.roots) + MOST_LANES), np.uint32)
    for tree, root in enumerate(trees.roots.tolist()):
        roots[tree] = len(nodes)
        sure[tree] = lay_tree_out(trees, laid, root, nodes)
    return np.array(nodes, NODE), roots, sure


def lay_tree_out(trees: Trees, laid: Layout, root: int, nodes: list[Node]) -> int:
    """Append a tree level by level, siblings side by side; return its sure steps."""
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
