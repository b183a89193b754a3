#!/usr/bin/env bash
# Contributions that add up to the score prove nothing: with wrong counts they add up all the same.
#
# pred_contrib takes its shares of training rows from leaf_count and internal_count in the model's text. Change
# one count, as a tool does that edits, merges or prunes trees, and the contributions change while every sum
# still meets the raw score to the last digits. Leave a count out and LightGBM answers NaN, without a word; the
# scores stay right. So the usual test of an explanation, its sum, finds neither the wrong counts nor who made them.
#
# Versions: lightgbm 4.7.0, numpy 2.4.6.
# Source: src/io/tree.cpp, Tree::TreeSHAP and Tree::ExpectedValue read the counts as they come.
# Who meets it: who explains models that something else than LightGBM wrote, and who tests for additivity alone.
# Output seen:
#   scores the same: True
#   one wrong count: contributions apart by more than 0.01: True, sums off by less than 1e-12: True
#   no leaf_count: scores the same: True, contributions that are NaN: True
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/counts.py" <<'PYTHON'
import re

import lightgbm
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 4))
y = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(0, 0.1, 2000)
options = {"objective": "regression", "num_leaves": 8, "verbosity": -1, "num_threads": 1, "seed": 1, "learning_rate": 1.0}
right = lightgbm.train(options, lightgbm.Dataset(X, y), 1)
text = re.sub(r"tree_sizes=.*\n", "", right.model_to_string())
wrong = lightgbm.Booster(model_str=re.sub(r"leaf_count=\d+", "leaf_count=1000", text))
none = lightgbm.Booster(model_str=re.sub(r"leaf_count=.*\n", "", text))
raw = right.predict(X, raw_score=True)
told, lies = (each.predict(X, pred_contrib=True) for each in (right, wrong))
print(f"scores the same: {(wrong.predict(X, raw_score=True) == raw).all()}")
apart = np.abs(told - lies).max() > 0.01
off = np.abs(lies.sum(axis=1) - raw).max() < 1e-12
print(f"one wrong count: contributions apart by more than 0.01: {apart}, sums off by less than 1e-12: {off}")
missing = np.isnan(none.predict(X, pred_contrib=True)).any()
same = (none.predict(X, raw_score=True) == raw).all()
print(f"no leaf_count: scores the same: {same}, contributions that are NaN: {missing}")
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet lightgbm==4.7.0 numpy==2.4.6
"$place/venv/bin/python" "$place/counts.py" | tee "$place/said"
diff "$place/said" - <<'SAID'
scores the same: True
one wrong count: contributions apart by more than 0.01: True, sums off by less than 1e-12: True
no leaf_count: scores the same: True, contributions that are NaN: True
SAID
