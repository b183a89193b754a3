"""Linear leaf models (`linear_tree`) as tables over all leaves, computed with ONNX operators.

value = const + c1*x1 + c2*x2 + ..., added in LightGBM's order. If any of the leaf's features is
NaN, the plain leaf value is used instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from ..model.tree import ZERO, Floats, Ints, LinearLeaves, Tree

# Names of the tables in the graph, for reading them back.
CONST, VALUE, FEATURE, COEFFICIENT = "leaf_const", "leaf_value", "leaf_feature", "leaf_coeff"


@dataclass(frozen=True)
class LinearTables:
    """For L leaves: `const` `[L]`, and `feature` and `coefficient` `[L, M]`, padded with zeros.

    A padded entry refers to feature F, a column of zeros after the last feature.
    """

    const: Floats
    feature: Ints
    coefficient: Floats

    def part(self, leaves: slice) -> "LinearTables":
        """Return the rows for some of the leaves."""
        return LinearTables(self.const[leaves], self.feature[leaves], self.coefficient[leaves])


def linear_tables(trees: Sequence[Tree], features: int) -> LinearTables | None:
    """Lay out the linear models of all trees' leaves; None if there are none."""
    if not any(tree.linear for tree in trees):
        return None
    parts = [tree.linear or _plain(tree) for tree in trees]
    counts = np.concatenate([part.counts for part in parts])
    shape = (len(counts), int(counts.max(initial=0)))
    filled = np.arange(shape[1])[None, :] < counts[:, None]
    feature, coefficient = np.full(shape, features), np.zeros(shape)
    feature[filled] = np.concatenate([part.features for part in parts])
    coefficient[filled] = np.concatenate([part.coefficients for part in parts])
    return LinearTables(np.concatenate([part.const for part in parts]), feature, coefficient)


def _plain(tree: Tree) -> LinearLeaves:
    none = np.zeros(0, np.int64)
    return LinearLeaves(
        tree.leaf_value, np.zeros(len(tree.leaf_value), np.int64), none, np.zeros(0)
    )


def read_tables(constants: dict[str, NDArray[np.generic]]) -> LinearTables | None:
    """Read the tables back from a graph's constants; None if it has none."""
    if CONST not in constants:
        return None
    const = constants[CONST].astype(np.float64)
    none = np.zeros((len(const), 0))
    feature = constants.get(FEATURE, none).astype(np.int64)
    return LinearTables(const, feature, constants.get(COEFFICIENT, none).astype(np.float64))


class Nodes:
    """Collects ONNX operators and constants, and names their results."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._numbers = count()

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: int) -> str:
        """Append an operator; return the name of its result."""
        output = output or f"{operator}_{next(self._numbers)}"
        node = helper.make_node(operator, list(inputs), [output])
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self.nodes.append(node)
        return output

    def constant(self, value: NDArray[np.generic], name: str = "") -> str:
        """Append a constant; return its name."""
        name = name or f"constant_{next(self._numbers)}"
        value = np.ascontiguousarray(value) if value.ndim else value
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def add_linear(
    nodes: Nodes,
    given: tuple[str, str],
    plain: Floats,
    tables: LinearTables,
    shape: tuple[int, int],
) -> None:
    """Compute `raw` `[N, K]` from the rows `[N, F]` and the leaf of each tree `[N, trees]`.

    `given` are the names of these two tensors, `plain` `[L]` the leaf values, `shape` is
    (iterations, K).
    """
    rows, leaf = given
    at = nodes.add("Cast", leaf, to=onnx.TensorProto.INT64)
    value = nodes.add("Gather", nodes.constant(tables.const, CONST), at)
    width = tables.feature.shape[1]
    if width:
        trees = shape[0] * shape[1]
        feature = nodes.add("Gather", nodes.constant(tables.feature, FEATURE), at)
        flat = nodes.add("Reshape", feature, nodes.constant(np.array([-1, trees * width])))
        x = nodes.add("GatherElements", _padded(nodes, rows), flat, axis=1)
        x = nodes.add("Reshape", x, nodes.constant(np.array([-1, trees, width])))
        factor = nodes.add("Gather", nodes.constant(tables.coefficient, COEFFICIENT), at)
        value = _added_in_order(nodes, value, nodes.add("Mul", factor, x))
        plain_value = nodes.add("Gather", nodes.constant(plain, VALUE), at)
        value = nodes.add("Where", _any_missing(nodes, x), plain_value, value)
    _sum_in_order(nodes, value, shape)


def _padded(nodes: Nodes, rows: str) -> str:
    """Prepare rows as LightGBM multiplies them: tiny values become 0; a column of zeros is
    added.
    """
    tiny = nodes.add("LessOrEqual", nodes.add("Abs", rows), nodes.constant(np.array(ZERO)))
    flushed = nodes.add("Where", tiny, nodes.constant(np.array(0.0)), rows)
    return nodes.add("Pad", flushed, nodes.constant(np.array([0, 0, 0, 1])))


def _added_in_order(nodes: Nodes, first: str, terms: str) -> str:
    """Add `terms` `[N, trees, M]` to `first` `[N, trees]`, one after the other."""
    last = nodes.constant(np.array([2]))
    column = nodes.add("Unsqueeze", first, last)
    listed = nodes.add("Concat", column, terms, axis=2)
    summed = nodes.add("CumSum", listed, nodes.constant(np.array(2)))
    return nodes.add("Gather", summed, nodes.constant(np.array(-1)), axis=2)


def _any_missing(nodes: Nodes, x: str) -> str:
    """Return a mask `[N, trees]`: one of the leaf's features is NaN."""
    absent = nodes.add("Cast", nodes.add("IsNaN", x), to=onnx.TensorProto.FLOAT)
    found = nodes.add("ReduceMax", absent, nodes.constant(np.array([2])), keepdims=0)
    return nodes.add("Cast", found, to=onnx.TensorProto.BOOL)


def _sum_in_order(nodes: Nodes, value: str, shape: tuple[int, int]) -> None:
    """Sum tree by tree as LightGBM does: CumSum keeps the order, ReduceSum does not."""
    split = nodes.add("Reshape", value, nodes.constant(np.array([-1, *shape])))
    summed = nodes.add("CumSum", split, nodes.constant(np.array(1)))
    nodes.add("Gather", summed, nodes.constant(np.array(shape[0] - 1)), output="raw", axis=1)
