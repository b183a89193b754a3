#!/usr/bin/env bash
# One ONNX file, two models: onnx's ReferenceEvaluator deals the sets of a TreeEnsemble (ai.onnx.ml 5)
# out as it walks, a node, its true side, its false side; the operator's text and onnxruntime go by the
# order of the nodes in nodes_modes. A file whose nodes stand in another order (LightGBM numbers splits
# as it grows) is valid in both and scores differently in each. A set also ends at its first 0, and
# NaN has to stand behind the last set, or an error comes. A tree whose split has the same leaf on both
# sides, the only form of a one-leaf tree, gets the value at the place of its root among the leaves.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0.
# Source: onnx/reference/ops/aionnxml/op_tree_ensemble.py, build_node.
# Who meets it: whoever writes TreeEnsemble for categories and checks it with the reference evaluator.
# Way out: nodes in the order of the walk, no 0 in a set, NaN behind the last, a leaf for each side.
# Seen:
#   nodes as numbered, sets {1}, {2} of nodes 1 and 2: onnxruntime [2, 4], reference [3, 5]
#   nodes as walked, the same trees:                   onnxruntime [2, 4], reference [2, 4]
#   set {0, 2}, value 2:                               onnxruntime [1], reference [0]
#   set {1, 2}, no NaN behind it:                      onnxruntime [1], reference ValueError
#   a one-leaf tree of 7 after a tree of 1 and 2:      onnxruntime [8], reference [3]
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; script=$(realpath "$0"); cd "$here"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat > both.py <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

GREATER, MEMBER, NAN = 3, 6, np.nan


def model(features, modes, splits, true, false, leaves, members, roots=(0,)):
    """Children: (is a leaf, its place)."""
    floats = {"nodes_splits": splits, "leaf_weights": leaves}
    if members:
        floats["membership_values"] = members
    node = helper.make_node(
        "TreeEnsemble", ["X"], ["raw"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1,
        post_transform=0, tree_roots=list(roots), nodes_featureids=features,
        nodes_truenodeids=[place for _, place in true], nodes_trueleafs=[leaf for leaf, _ in true],
        nodes_falsenodeids=[place for _, place in false], nodes_falseleafs=[leaf for leaf, _ in false],
        leaf_targetids=[0] * len(leaves), nodes_missing_value_tracks_true=[0] * len(features),
        nodes_modes=numpy_helper.from_array(np.array(modes, np.uint8)),
        **{key: numpy_helper.from_array(np.array(v, np.float64)) for key, v in floats.items()},
    )
    ends = [
        helper.make_tensor_value_info("X", TensorProto.DOUBLE, ["N", 2]),
        helper.make_tensor_value_info("raw", TensorProto.DOUBLE, ["N", 1]),
    ]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def told(what, proto, rows):
    X = np.array(rows, np.float64)
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = session.run(None, {"X": X})[0][:, 0].astype(int).tolist()
    try:
        other = ReferenceEvaluator(proto).run(None, {"X": X})[0][:, 0].astype(int).tolist()
    except ValueError:
        other = "ValueError"
    print(f"{what:50} onnxruntime {found}, reference {other}")


# x0 > 0.5 ? (node 2: x1 in {2} ? 4 : 5) : (node 1: x1 in {1} ? 2 : 3)
numbered = model(
    [0, 1, 1], [GREATER, MEMBER, MEMBER], [0.5, 0, 0], [(0, 2), (1, 0), (1, 2)],
    [(0, 1), (1, 1), (1, 3)], [2, 3, 4, 5], [1, NAN, 2, NAN],
)  # fmt: skip
walked = model(
    [0, 1, 1], [GREATER, MEMBER, MEMBER], [0.5, 0, 0], [(0, 1), (1, 2), (1, 0)],
    [(0, 2), (1, 3), (1, 1)], [2, 3, 4, 5], [2, NAN, 1, NAN],
)  # fmt: skip
told("nodes as numbered, sets {1}, {2} of nodes 1 and 2:", numbered, [[0, 1], [1, 2]])
told("nodes as walked, the same trees:", walked, [[0, 1], [1, 2]])
one = ([1], [MEMBER], [0.0], [(1, 0)], [(1, 1)], [1, 0])
told("set {0, 2}, value 2:", model(*one, [0, 2, NAN]), [[0, 2]])
told("set {1, 2}, no NaN behind it:", model(*one, [1, 2]), [[0, 2]])
stump = model(
    [0, 0], [GREATER, GREATER], [0.5, 0.0], [(1, 0), (1, 2)], [(1, 1), (1, 2)], [1, 2, 7], [], (0, 1)
)  # fmt: skip
told("a one-leaf tree of 7 after a tree of 1 and 2:", stump, [[1, 0]])
PY
venv/bin/python both.py 2>errors | tee output || { cat errors; exit 1; }
sed -n 's/^#   //p' "$script" > seen
diff seen output
