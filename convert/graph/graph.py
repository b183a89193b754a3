"""Turn an `Ensemble` into an ONNX model and back.

Input X double [N, F], output raw double [N, K].
"""

from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..model.tree import Floats
from . import portable
from .ensemble import Ensemble
from .linear import VALUE, LinearTables, Nodes, add_linear, read_tables

OPSETS = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10
# Names in the graph: the constant added to category codes, and the input plus that constant.
SHIFT, SHIFTED = "code_shift", "shifted"


def build_graph(
    ensemble: Ensemble,
    features: int,
    before: Nodes | None = None,
    start: str = "X",
    taken: int | None = None,
) -> onnx.ModelProto:
    """Return the ONNX model: one `TreeEnsemble` node, leaf values summed in tree order.

    `before` are nodes (pipeline steps) that turn the input X, `features` wide, into the tensor
    `start`, `taken` wide, which the trees use as input.
    """
    nodes = before or Nodes()
    shift = portable.shifted(ensemble, features if taken is None else taken)
    codes = start
    if shift.any():
        codes = nodes.add("Add", start, nodes.constant(shift, SHIFT), output=SHIFTED)
    if ensemble.linear is None:
        nodes.nodes.append(_tree_node(portable.written(ensemble, shift), codes, "raw"))
    else:
        numbered = portable.written(_numbered(ensemble), shift)
        nodes.nodes.append(_tree_node(numbered, codes, "leaf"))
        shape = (ensemble.trees // ensemble.outputs, ensemble.outputs)
        add_linear(nodes, (start, "leaf"), ensemble.leaf_value, ensemble.linear, shape)
    return _model(nodes.nodes, nodes.constants, features, ensemble.outputs)


def _model(
    nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], features: int, outputs: int
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "lightgbm",
        [helper.make_tensor_value_info("X", TensorProto.DOUBLE, ["N", features])],
        [helper.make_tensor_value_info("raw", TensorProto.DOUBLE, ["N", outputs])],
        constants,
    )
    opsets = [helper.make_opsetid(domain, number) for domain, number in OPSETS.items()]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="credit-express"
    )
    onnx.checker.check_model(model)
    return model


def build_steps(before: Nodes, output: str, features: int, taken: int) -> onnx.ModelProto:
    """Return the steps alone, whose output `raw` is what the trees take."""
    end = helper.make_node("Identity", [output], ["raw"])
    return _model([*before.nodes, end], before.constants, features, taken)


def _tree_node(ensemble: Ensemble, start: str, output: str) -> onnx.NodeProto:
    node = helper.make_node("TreeEnsemble", [start], [output], domain="ai.onnx.ml", name="trees")
    node.attribute.extend(_attributes(ensemble))
    return node


def _numbered(ensemble: Ensemble) -> Ensemble:
    """Return the same trees with leaf indices instead of values: one output for each tree."""
    ends = np.append(ensemble.leaf_starts[1:], len(ensemble.leaf_value))
    return replace(
        ensemble,
        leaf_value=np.arange(len(ensemble.leaf_value), dtype=np.float64),
        leaf_output=np.repeat(np.arange(ensemble.trees), ends - ensemble.leaf_starts),
        outputs=ensemble.trees,
    )


def _attributes(ensemble: Ensemble) -> list[onnx.AttributeProto]:
    ints: dict[str, NDArray[np.generic] | int] = {
        "n_targets": ensemble.outputs,
        "aggregate_function": 1,
        "post_transform": 0,
        "tree_roots": ensemble.roots,
        "nodes_featureids": ensemble.feature,
        "nodes_truenodeids": ensemble.true_child,
        "nodes_trueleafs": ensemble.true_is_leaf,
        "nodes_falsenodeids": ensemble.false_child,
        "nodes_falseleafs": ensemble.false_is_leaf,
        "nodes_missing_value_tracks_true": ensemble.missing_true,
        "leaf_targetids": ensemble.leaf_output,
    }
    tensors: dict[str, NDArray[np.generic]] = {
        "nodes_splits": ensemble.threshold,
        "nodes_modes": ensemble.mode.astype(np.uint8),
        "leaf_weights": ensemble.leaf_value,
    }
    if len(ensemble.members):
        tensors["membership_values"] = ensemble.members
    return [
        *(_int_attribute(key, value) for key, value in ints.items()),
        *(
            helper.make_attribute(key, numpy_helper.from_array(value, key))
            for key, value in tensors.items()
        ),
    ]


def _int_attribute(key: str, value: NDArray[np.generic] | int) -> onnx.AttributeProto:
    """Make an integer attribute; onnx's helper would inspect each element in Python."""
    if isinstance(value, int):
        return helper.make_attribute(key, value)
    attribute = onnx.AttributeProto(name=key, type=onnx.AttributeProto.INTS)
    attribute.ints.extend(value.astype(np.int64).tolist())
    return attribute


def read_ensemble(content: bytes) -> Ensemble:
    """Read the trees back from an ONNX model that `build_graph` wrote."""
    model = onnx.load_from_string(content)
    (node,) = (node for node in model.graph.node if node.op_type == "TreeEnsemble")
    found = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    members = found.get("membership_values")
    arrays = {key: np.array(found[key], np.int64) for key in found if isinstance(found[key], list)}
    tensors: dict[str, NDArray[np.float64]] = {
        key: _array(found[key]) for key in ("nodes_splits", "nodes_modes", "leaf_weights")
    }
    ensemble = Ensemble(
        feature=arrays["nodes_featureids"],
        threshold=tensors["nodes_splits"],
        mode=tensors["nodes_modes"].astype(np.int64),
        missing_true=arrays["nodes_missing_value_tracks_true"].astype(bool),
        true_child=arrays["nodes_truenodeids"],
        true_is_leaf=arrays["nodes_trueleafs"].astype(bool),
        false_child=arrays["nodes_falsenodeids"],
        false_is_leaf=arrays["nodes_falseleafs"].astype(bool),
        leaf_value=tensors["leaf_weights"],
        leaf_output=arrays["leaf_targetids"],
        roots=arrays["tree_roots"],
        leaf_starts=_leaf_starts(arrays),
        members=_array(members) if members is not None else np.zeros(0),
        outputs=found["n_targets"],
    )
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    ensemble = portable.read(ensemble, _shift(constants, ensemble))
    tables = read_tables(constants)
    return ensemble if tables is None else _valued(ensemble, tables, constants, model)


def _shift(constants: dict[str, NDArray[np.generic]], ensemble: Ensemble) -> Floats:
    none = np.zeros(int(ensemble.feature.max()) + 1)
    return constants.get(SHIFT, none).astype(np.float64)


def _valued(
    ensemble: Ensemble,
    tables: LinearTables,
    constants: dict[str, NDArray[np.generic]],
    model: onnx.ModelProto,
) -> Ensemble:
    """Undo `_numbered`."""
    outputs = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    return replace(
        ensemble,
        leaf_value=constants.get(VALUE, tables.const).astype(np.float64),
        leaf_output=ensemble.leaf_output % outputs,
        outputs=outputs,
        linear=tables,
    )


def _leaf_starts(arrays: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the smallest leaf index of each tree: leaves are stored tree after tree."""
    leaves = np.iinfo(np.int64).max
    true = np.where(arrays["nodes_trueleafs"] == 1, arrays["nodes_truenodeids"], leaves)
    false = np.where(arrays["nodes_falseleafs"] == 1, arrays["nodes_falsenodeids"], leaves)
    starts: NDArray[np.int64] = np.minimum.reduceat(np.minimum(true, false), arrays["tree_roots"])
    return starts


def _array(tensor: onnx.TensorProto) -> NDArray[np.float64]:
    array: NDArray[np.float64] = numpy_helper.to_array(tensor).astype(np.float64)
    return array
