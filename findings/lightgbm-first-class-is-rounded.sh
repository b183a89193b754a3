#!/usr/bin/env bash
# The probability of an LGBMClassifier's first class is not the sigmoid of its score: it is 1 - p, rounded.
#
# LightGBM computes one number, the sigmoid of the raw score, for the second of the sorted classes. The first
# column of predict_proba is 1 - p in float64. Where p is near 1 few bits are left of it: scores that the
# booster tells apart share a probability, and the smallest are off by a hundred-thousandth. The sigmoid of
# the negated score is right to the last bit, and has other bits in three rows of four. scikit-learn sorts labels, so for
# "bad" and "good" the first column is the bad one, and the safest applicants are those rounded.
#
# Versions: lightgbm 4.7.0, scikit-learn 1.9.1, numpy 2.4.6.
# Source: lightgbm/sklearn.py, LGBMClassifier.predict_proba: `np.vstack((1.0 - result, result)).transpose()`.
# Who meets it: who serves the booster of such a classifier, and takes the negated score for the first class;
# who ranks by that column.
# Output seen:
#   the same bits in 946 of 4000 rows
#   1980 raw scores become 1784 probabilities of the first class
#   relatively apart by more than 1e-6: True
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/column.py" <<'PYTHON'
import lightgbm
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 3))
bad = X[:, 0] + X[:, 1] * 0.1 > 0
options = {"n_estimators": 300, "learning_rate": 0.3, "verbosity": -1, "n_jobs": 1}
model = lightgbm.LGBMClassifier(**options).fit(X, np.where(bad, "bad", "good"))
column = model.predict_proba(X)[:, 0]
raw = model.booster_.predict(X, raw_score=True)
negated = 1.0 / (1.0 + np.exp(raw))
print(f"the same bits in {(column == negated).sum()} of {len(X)} rows")
told = len(np.unique(raw)), len(np.unique(column))
print(f"{told[0]} raw scores become {told[1]} probabilities of the first class")
print(f"relatively apart by more than 1e-6: {np.max(np.abs(column - negated) / negated) > 1e-6}")
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet lightgbm==4.7.0 scikit-learn==1.9.1 numpy==2.4.6
"$place/venv/bin/python" "$place/column.py" | tee "$place/said"
diff "$place/said" - <<'SAID'
the same bits in 946 of 4000 rows
1980 raw scores become 1784 probabilities of the first class
relatively apart by more than 1e-6: True
SAID
