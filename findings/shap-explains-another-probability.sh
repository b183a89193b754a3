#!/usr/bin/env bash
# shap explains a probability of .99998 where the LightGBM forest predicts .588, and finds that the sums are right.
#
# With a background sample and model_output="probability" shap's values add up to the probability: that is their
# point. shap walks the trees itself, adds them up and takes the logistic function of the sum. A random forest
# (boosting=rf) takes it of the mean; `sigmoid` other than 1 scales the sum first. shap reads neither, and its
# check of additivity compares with its own walk, so that it passes. A linear tree is explained by the constants
# that its linear leaves replace.
#
# Versions: shap 0.51.0, lightgbm 4.7.0, numpy 2.4.6, pandas 2.3.3.
# Source: shap/explainers/_tree.py, TreeEnsemble: of a LightGBM model it takes trees and objective, and
# tree_output = "log_odds" for binary.
# Who meets it: who shows shares of a probability, or a waterfall to it, for such a model.
# Way out: compare expected_value plus the sum with predict(), row by row.
# Output seen: the largest difference between sums and predict(), of 50 rows, with check_additivity=True
#   gbdt: 0.0
#   rf: 0.4
#   sigmoid of 0.5: 0.1
#   linear_tree, by its value: 0.2
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check shap==0.51.0 lightgbm==4.7.0 numpy==2.4.6 pandas==2.3.3
cat > "$place/look.py" <<'PYTHON'
import warnings

import lightgbm as lgb
import numpy as np
import shap

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 4))
y = (X[:, 3] + X[:, 0] + rng.normal(size=3000) > 0).astype(int)


def look(name, y=y, output="probability", **options):
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, **options}
    booster = lgb.train(options, lgb.Dataset(X, y), 30)
    explainer = shap.TreeExplainer(booster, data=X[:100], model_output=output)
    sums = explainer.shap_values(X[:50], check_additivity=True).sum(axis=1) + explainer.expected_value
    print(f"{name}: {np.floor(np.abs(sums - booster.predict(X[:50])).max() * 10) / 10}")


look("gbdt")
look("rf", boosting="rf", bagging_freq=1, bagging_fraction=0.6)
look("sigmoid of 0.5", sigmoid=0.5)
look("linear_tree, by its value", X[:, 0], "raw", objective="regression", linear_tree=True)
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
