#!/usr/bin/env bash
# LightGBM's pred_contrib does not add up to its raw score on deep trees over rare values.
#
# Contributions (SHAP values) are defined to add up to the raw score less the expectation. LightGBM unwinds
# paths by dividing by shares of training rows; where a path asks about many features that hold for few rows,
# the rounding of one division is the input of the next. With 100 leaves over rare indicators the sums of
# training rows are off by thousands, without a warning. Ordinary models are off by 1e-15.
#
# Versions: lightgbm 4.7.0, numpy 2.4.6.
# Source: src/io/tree.cpp, Tree::UnwindPath and Tree::UnwoundPathSum; open: shap#3766, shap#4042, LightGBM#3998.
# Who meets it: who explains models with one-hot columns, flags or rare codes and many leaves; who checks a
# faster algorithm against pred_contrib and takes the difference for its own error.
# Output seen:
#   7 leaves: sums miss the raw score by less than 1e-9: True
#   100 leaves: sums miss the raw score by more than 1: True
#   and one contribution is larger than all raw scores: True
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/deep.py" <<'PYTHON'
import lightgbm
import numpy as np

rng = np.random.default_rng(0)
X = (rng.random((4000, 100)) < 0.005).astype(float)
y = X @ rng.normal(size=100) + rng.normal(0, 0.1, 4000)
options = {"objective": "regression", "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "min_data_in_bin": 1,
           "verbosity": -1, "num_threads": 1, "seed": 1, "deterministic": True}


def missed(leaves: int) -> tuple[float, float, float]:
    booster = lightgbm.train({**options, "num_leaves": leaves}, lightgbm.Dataset(X, y), 30)
    contributions = booster.predict(X[:500], pred_contrib=True)
    raw = booster.predict(X[:500], raw_score=True)
    return np.abs(contributions.sum(axis=1) - raw).max(), np.abs(contributions).max(), np.abs(raw).max()


print(f"7 leaves: sums miss the raw score by less than 1e-9: {missed(7)[0] < 1e-9}")
off, largest, raw = missed(100)
print(f"100 leaves: sums miss the raw score by more than 1: {off > 1}")
print(f"and one contribution is larger than all raw scores: {largest > raw}")
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet lightgbm==4.7.0 numpy==2.4.6
"$place/venv/bin/python" "$place/deep.py" | tee "$place/said"
diff "$place/said" - <<'SAID'
7 leaves: sums miss the raw score by less than 1e-9: True
100 leaves: sums miss the raw score by more than 1: True
and one contribution is larger than all raw scores: True
SAID
