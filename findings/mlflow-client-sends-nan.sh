#!/usr/bin/env bash
# MLflow's client sends a missing value as a bare NaN, which is no JSON, and cannot send a dict of arrays at all.
#
# `ScoringServerClient.invoke` writes a frame with Python's json.dumps as `dataframe_split`. MLflow's own server
# reads it with Python's json, which takes NaN; a parser that keeps to the standard, such as msgspec, refuses the
# request. A frame without missing values works everywhere, so a test without them does not tell. A dict of
# arrays, which the docstring of the client over stdin promises, ends in a ValueError: `for k, v in data` walks
# over the names.
#
# Versions: mlflow-skinny 3.17.2 (which wants scipy here), scipy 1.17.1, pandas 2.3.3, msgspec 0.22.0.
# Source: mlflow/utils/proto_json_utils.py, `dump_input_data`.
# Who meets it: who puts another server behind clients of `mlflow models serve`.
# Output seen:
#   without missing values: {"dataframe_split": {"index": [0], "columns": ["INCOME"], "data": [[1000.5]]}}
#   with one: {"dataframe_split": {"index": [0, 1], "columns": ["INCOME"], "data": [[1000.5], [NaN]]}}
#   Python's json: nan
#   msgspec: JSON is malformed: invalid character (byte 81)
#   a dict of arrays: ValueError: too many values to unpack (expected 2)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    mlflow-skinny==3.17.2 scipy==1.17.1 pandas==2.3.3 msgspec==0.22.0
"$folder/venv/bin/python" - <<'PYTHON'
import json

import msgspec
import numpy as np
import pandas as pd
from mlflow.utils.proto_json_utils import dump_input_data

print("without missing values:", dump_input_data(pd.DataFrame({"INCOME": [1000.5]})))
body = dump_input_data(pd.DataFrame({"INCOME": [1000.5, np.nan]}))
print("with one:", body)
print("Python's json:", json.loads(body)["dataframe_split"]["data"][1][0])
try:
    msgspec.json.decode(body)
    refused = ""
except msgspec.DecodeError as error:
    refused = str(error)
print("msgspec:", refused)
try:
    dump_input_data({"INCOME": np.array([1000.5])})
    failed = ""
except ValueError as error:
    failed = f"ValueError: {error}"
print("a dict of arrays:", failed)
assert "NaN" in body and "malformed" in refused and "unpack" in failed
PYTHON
