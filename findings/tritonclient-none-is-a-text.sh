#!/usr/bin/env bash
# tritonclient sends a missing text as the text None, and NaN as the text nan.
#
# An object array of texts is the way to send a category by name (BYTES). What is no text in it is not refused
# but written by str(): a missing purpose arrives as the category "None", in binary and in JSON. A server cannot tell
# it from a text, and an encoder that ignores unknown categories, or a category of that name, makes a score of it.
#
# Versions: tritonclient 2.73.0, numpy 2.4.6.
# Source: tritonclient/utils/__init__.py, serialize_byte_tensor; tritonclient/http/_infer_input.py for JSON.
# Who meets it: who sends columns of a data frame to Triton, KServe, MLServer or another server of the protocol.
# Way out: the empty text, or whatever the server takes for missing, put there by hand.
# Output seen:
#   binary: [b'car', b'None', b'nan']
#   JSON: ['car', 'None', 'nan']
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "tritonclient[http]==2.73.0" numpy==2.4.6
cat > "$place/look.py" <<'PYTHON'
import json

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

purposes = np.array(["car", None, float("nan")], dtype=object)
print("binary:", deserialize_bytes_tensor(serialize_byte_tensor(purposes).item()).tolist())
tensor = InferInput("purpose", [3], "BYTES")
tensor.set_data_from_numpy(purposes, binary_data=False)
body, _ = InferenceServerClient.generate_request_body([tensor])
print("JSON:", json.loads(body)["inputs"][0]["data"])
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
