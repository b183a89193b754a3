#!/usr/bin/env bash
# A missing category is category 0, on some processors: onnxruntime's TreeEnsemble (ai.onnx.ml 5) looks
# a large set of categories up by the value cast to an integer. C leaves the cast of NaN open: x86-64
# gives the least integer, arm64 and WebAssembly give 0. So a NaN goes the way of category 0 wherever a
# set holds 0 and a category above 30; small sets compare as floats and are right everywhere. A cast
# cuts a fraction off, too: 40.5 belongs to a large set that holds 40, and to no small one.
#
# Versions: onnxruntime 1.32.0 (x86-64) and onnxruntime-web 1.30.0 (WebAssembly, under node), onnx 1.23.2.
# The arm64 wheel of 1.32.0 answers as WebAssembly does; tests/long/arm64.sh runs it under emulation.
# Source: onnxruntime/core/providers/cpu/ml/tree_ensemble_attribute.h, BRANCH_MEMBER_BIGSET.
# Who meets it: whoever serves categories with missing values (LightGBM, NaN trained) from one ONNX file
# on servers of both kinds, or in a browser. Way out: no set may hold a 0; add 1 to the codes in the graph.
# Seen: 1 is inside the set, 0 outside.
#   x86-64       set {0, 31}: 0 -> 1, 31 -> 1, nan -> 0, 31.5 -> 1
#   x86-64       set {0, 30}: 0 -> 1, 30 -> 1, nan -> 0, 30.5 -> 0
#   x86-64       set {1, 32}: 1 -> 1, 32 -> 1, nan -> 0, 32.5 -> 1
#   WebAssembly  set {0, 31}: 0 -> 1, 31 -> 1, nan -> 1, 31.5 -> 1
#   WebAssembly  set {0, 30}: 0 -> 1, 30 -> 1, nan -> 0, 30.5 -> 0
#   WebAssembly  set {1, 32}: 1 -> 1, 32 -> 1, nan -> 0, 32.5 -> 1
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; script=$(realpath "$0"); cd "$here"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
npm install --silent --no-save --ignore-scripts onnxruntime-web@1.30.0

cat > models.py <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

for members in ([0, 31], [0, 30], [1, 32]):
    node = helper.make_node(
        "TreeEnsemble", ["X"], ["raw"], domain="ai.onnx.ml", n_targets=1, aggregate_function=1,
        post_transform=0, tree_roots=[0], nodes_featureids=[0], nodes_truenodeids=[0],
        nodes_falsenodeids=[1], nodes_trueleafs=[1], nodes_falseleafs=[1], leaf_targetids=[0, 0],
        nodes_missing_value_tracks_true=[0],
        nodes_modes=numpy_helper.from_array(np.array([6], np.uint8)),
        nodes_splits=numpy_helper.from_array(np.zeros(1)),
        leaf_weights=numpy_helper.from_array(np.array([1.0, 0.0])),
        membership_values=numpy_helper.from_array(np.array([*members, np.nan], np.float64)),
    )
    ends = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["N", 1]) for n in ("X", "raw")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
    content = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    name = "-".join(map(str, members))
    open(f"{name}.onnx", "wb").write(content)
    values = [*members, np.nan, members[1] + 0.5]
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"X": np.array(values, np.float64)[:, None]})[0][:, 0]
    said = ", ".join(f"{v:g} -> {int(f)}" for v, f in zip(values, found, strict=True))
    print(f"x86-64       set {{{members[0]}, {members[1]}}}: {said}")
PY
cat > web.cjs <<'JS'
const ort = require('onnxruntime-web');
ort.env.wasm.numThreads = 1;
(async () => {
  for (const members of [[0, 31], [0, 30], [1, 32]]) {
    const session = await ort.InferenceSession.create(`${members.join('-')}.onnx`);
    const values = [...members, NaN, members[1] + 0.5];
    const { raw } = await session.run({ X: new ort.Tensor('float64', Float64Array.from(values), [4, 1]) });
    const said = values.map((v, i) => `${Number.isNaN(v) ? 'nan' : v} -> ${raw.data[i]}`).join(', ');
    console.log(`WebAssembly  set {${members.join(', ')}}: ${said}`);
  }
})();
JS
{ venv/bin/python models.py; node web.cjs; } 2>errors | tee output
sed -n 's/^#   //p' "$script" > seen
[ "$(uname -m)" = x86_64 ] || sed -i '/^x86-64/d' output seen
diff seen output
