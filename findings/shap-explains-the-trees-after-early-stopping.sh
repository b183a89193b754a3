#!/usr/bin/env bash
# shap explains trees that LightGBM does not use: those after the best round of lightgbm.cv's boosters.
#
# lightgbm.train cuts an early-stopped booster at its best round. The boosters that lightgbm.cv returns, and those of
# train with keep_training_booster=True, keep all rounds and a best_iteration, which predict, pred_contrib and
# saved texts go by. shap asks for all trees: its values add up to a score that the model never gives. Its
# expected_value, until the first call, is that of the best round, and changes with the call.
#
# Versions: shap 0.51.0, lightgbm 4.7.0, numpy 2.4.6, pandas 2.3.3, scikit-learn 1.9.1.
# Source: shap/explainers/_tree.py, shap_values: predict(X, num_iteration=tree_limit), which is -1, all; its docstring says "By
# default, the limit of the original model is used".
# Who meets it: who averages the boosters of a cross-validation and explains them.
# Way out: tree_limit=booster.best_iteration, or save and load the booster first.
# Output seen: the largest distance from the raw score of predict()
#   booster: more rounds than its best: True
#   pred_contrib: 0.0
#   shap: over 0.1: True
#   shap, tree_limit=best_iteration: 0.0
#   shap of the saved text: 0.0
#   expected_value is changed by the first call: True
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check shap==0.51.0 lightgbm==4.7.0 numpy==2.4.6 pandas==2.3.3 scikit-learn==1.9.1
cat > "$place/look.py" <<'PYTHON'
import warnings

import lightgbm as lgb
import numpy as np
import shap

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 4))
y = (X[:, 3] + X[:, 0] + rng.normal(size=3000) > 0).astype(int)
options = {"objective": "binary", "metric": "binary_logloss", "verbosity": -1, "num_threads": 1, "seed": 1}
stop = lgb.early_stopping(20, verbose=False)
found = lgb.cv(options, lgb.Dataset(X, y), 300, nfold=3, callbacks=[stop], return_cvbooster=True)
booster = found["cvbooster"].boosters[0]
raw = booster.predict(X, raw_score=True)


def off(sums):
    return np.abs(sums - raw).max()


print("booster: more rounds than its best:", booster.num_trees() > booster.best_iteration > 0)
print("pred_contrib:", round(off(booster.predict(X, pred_contrib=True).sum(axis=1)), 6))
explainer = shap.TreeExplainer(booster)
before = float(np.ravel(explainer.expected_value)[0])
values = explainer.shap_values(X)
after = float(np.ravel(explainer.expected_value)[0])
print("shap: over 0.1:", bool(off(values.sum(axis=1) + after) > 0.1))
values = explainer.shap_values(X, tree_limit=booster.best_iteration)
print("shap, tree_limit=best_iteration:", round(off(values.sum(axis=1) + explainer.expected_value), 6))
saved = shap.TreeExplainer(lgb.Booster(model_str=booster.model_to_string()))
print("shap of the saved text:", round(off(saved.shap_values(X).sum(axis=1) + saved.expected_value), 6))
print("expected_value is changed by the first call:", abs(after - before) > 1e-3)
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
