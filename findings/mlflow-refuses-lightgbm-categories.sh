#!/usr/bin/env bash
# MLflow cannot score a LightGBM model that was trained on columns of dtype category, in no dtype at all,
# once it is saved with the signature MLflow itself infers from the training frame.
#
# The signature calls a category a string. A frame with the training dtypes is then refused by MLflow, since
# a category is no string; a frame of strings, which is what its scoring server makes of JSON, passes MLflow
# and is refused by LightGBM, since no column of it is a category. Saving warns of neither.
#
# Versions: mlflow 3.17.2, lightgbm 4.7.0, pandas 2.3.3.
# Source: mlflow/types/utils.py, `_infer_pandas_column`, which looks at the values alone;
# mlflow/models/utils.py, `_enforce_mlflow_datatype`; lightgbm/basic.py, `_data_from_pandas`, "train and valid
# dataset categorical_feature do not match."
# Who meets it: who moves such a model from a notebook to `mlflow models serve`. Without a signature a frame
# works, and JSON still does not. Categories have to be codes, or a pyfunc has to make them.
# Output seen:
#   signature: purpose string
#   rows as in training: refused by MLflow
#   rows as text: refused by LightGBM
#   LightGBM alone, rows as in training: 2 scores
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/categories.py" <<'PYTHON'
import logging
import sys
import warnings

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

warnings.simplefilter("ignore")
logging.disable()
rng = np.random.default_rng(0)
purpose = pd.Categorical(rng.choice(["car", "home"], 500))
X = pd.DataFrame({"income": rng.normal(size=500), "purpose": purpose})
booster = lightgbm.train({"verbosity": -1}, lightgbm.Dataset(X, rng.integers(0, 2, 500)), 5)
signature = infer_signature(X, booster.predict(X))
mlflow.lightgbm.save_model(booster, sys.argv[1], signature=signature)
print("signature: purpose", signature.inputs.input_types()[1].name)
model = mlflow.pyfunc.load_model(sys.argv[1])
for said, rows in (("as in training", X[:2]), ("as text", X[:2].astype({"purpose": "str"}))):
    try:
        print(f"rows {said}: {len(model.predict(rows))} scores")
    except Exception as error:
        by = "LightGBM" if "categorical_feature do not match" in str(error) else "MLflow"
        print(f"rows {said}: refused by {by}")
print(f"LightGBM alone, rows as in training: {len(booster.predict(X[:2]))} scores")
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet mlflow==3.17.2 lightgbm==4.7.0 pandas==2.3.3
"$place/venv/bin/python" "$place/categories.py" "$place/model" | tee "$place/said"
diff "$place/said" - <<'SAID'
signature: purpose string
rows as in training: refused by MLflow
rows as text: refused by LightGBM
LightGBM alone, rows as in training: 2 scores
SAID
