"""The trees in float32: smaller, only on request, and not exact."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..errors import UnsupportedModelError
from ..graph.graph import build_graph
from ..graph.linear import Nodes
from ..model.tree import Floats
from ..prove.building import Built

FLOAT_TENSORS = ("nodes_splits", "leaf_weights", "membership_values")


def single_precision(built: Built) -> bytes:
    """Return a graph with the same input and output, but float32 inside.

    Thresholds are rounded down, so that values that are already float32 still go the right way.
    Raises UnsupportedModelError for linear trees.
    """
    if built.subject.ensemble.linear is not None:
        raise UnsupportedModelError("--exporter float32 does not support linear trees")
    model = build_graph(built.subject.ensemble, len(built.features))
    (node,) = (each for each in model.graph.node if each.op_type == "TreeEnsemble")
    for attribute in node.attribute:
        if attribute.name in FLOAT_TENSORS:
            values = numpy_helper.to_array(attribute.t)
            rounded = _down(values) if attribute.name == "nodes_splits" else _nearest(values)
            attribute.t.CopyFrom(numpy_helper.from_array(rounded, attribute.name))
    _cast_around(model, node)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _nearest(values: Floats) -> np.typing.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _down(values: Floats) -> np.typing.NDArray[np.float32]:
    near = _nearest(values)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def _cast_around(model: onnx.ModelProto, node: onnx.NodeProto) -> None:
    nodes = Nodes()
    nodes.nodes.extend(each for each in list(model.graph.node) if each.op_type != "TreeEnsemble")
    node.input[0] = nodes.add("Cast", node.input[0], to=TensorProto.FLOAT)
    node.output[0] = "single"
    last = helper.make_node("Cast", ["single"], ["raw"], to=TensorProto.DOUBLE)
    inner = onnx.NodeProto()
    inner.CopyFrom(node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes.nodes, inner, last])
