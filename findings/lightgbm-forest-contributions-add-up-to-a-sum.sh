#!/usr/bin/env bash
# The contributions of a LightGBM random forest add up to the sum of its trees, while it predicts their mean.
#
# With boosting=rf, predict() of a regression is the mean of the trees. raw_score=True is their sum, and
# pred_contrib adds up to that: for a forest of 50 trees every contribution is 50 times what the feature does to
# the prediction. Of all boosting types only rf does this; whoever compares contributions with the answer, or
# ranks them beside those of a boosted model, has to divide by the number of trees.
#
# Versions: lightgbm 4.7.0, numpy 2.4.6.
# Source: src/boosting/gbdt_prediction.cpp: Predict divides where average_output_ is set, PredictRaw and
# PredictContrib do not.
# Who meets it: who explains a random forest, or compares one with a boosted model.
# Output seen:
#   sums of contributions over predictions: 50
#   raw scores over predictions: 50
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/forest.py" <<'PYTHON'
import lightgbm
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 4))
y = X[:, 0] + X[:, 1] ** 2 + 5
options = {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6,
           "verbosity": -1, "num_threads": 1, "seed": 1}
booster = lightgbm.train(options, lightgbm.Dataset(X, y), 50)
answer = booster.predict(X)
sums = booster.predict(X, pred_contrib=True).sum(axis=1)
print(f"sums of contributions over predictions: {np.median(sums / answer):.6g}")
print(f"raw scores over predictions: {np.median(booster.predict(X, raw_score=True) / answer):.6g}")
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet lightgbm==4.7.0 numpy==2.4.6
"$place/venv/bin/python" "$place/forest.py" | tee "$place/said"
diff "$place/said" - <<'SAID'
sums of contributions over predictions: 50
raw scores over predictions: 50
SAID
