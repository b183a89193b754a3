#!/usr/bin/env bash
# Intel's converter for LightGBM (daal4py, in scikit-learn-intelex) sends missing values the wrong way, and says nothing.
#
# It refuses dart, random forests and linear trees by name, and fails on categories. It takes every other model,
# and reads of a split only the threshold and default_left. What a missing value means is also in missing_type. A
# model trained without missing values takes NaN for 0, one with zero_as_missing takes 0 for missing: here neither does,
# and half of the scores are others. `sigmoid` is taken for 1, so every probability is wrong. And a value equal to a
# threshold goes right, where LightGBM's `<=` goes left; the function for treelite beside it takes care of that.
#
# Versions: scikit-learn-intelex 2026.2.0 (with daal4py 2026.2.0), lightgbm 4.7.0, numpy 2.4.6, scikit-learn 1.9.1.
# Source: daal4py/mb/gbt_convertors.py, Node.from_lightgbm_dict; from_treelite_dict beside it has the nextafter for "<=".
# Who meets it: who speeds up a credit model by `daal4py.mb.convert_model`, and tries it on rows without gaps.
# Output seen: the rows of 3000 whose probability is off by more than 0.001
#   as trained: none
#   trained without missing values, a fifth of the values missing: over 1000, up to 0.8 and more
#   zero_as_missing, a third of the values 0: over 1000, up to 0.4 and more
#   sigmoid of 0.7: over 1000, up to 0.07 and more
#   150 values on a threshold: over 50, up to 0.3 and more
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn-intelex==2026.2.0 lightgbm==4.7.0 numpy==2.4.6 scikit-learn==1.9.1
cat > "$place/look.py" <<'PYTHON'
import daal4py
import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 4))
y = (X[:, 3] + X[:, 0] + rng.normal(size=3000) > 0).astype(int)
gaps, zeros = X.copy(), X.copy()
gaps[rng.random(X.shape) < 0.2] = np.nan
zeros[rng.random(X.shape) < 0.3] = 0


def train(rows, **more):
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, **more}
    return lgb.train(options, lgb.Dataset(rows, y), 30)


def look(name, booster, rows):
    found = daal4py.mb.convert_model(booster).predict_proba(rows)[:, 1]
    off = np.abs(found - booster.predict(rows))
    many = next((f"over {least}" for least in (1000, 50) if (off > 1e-3).sum() > least), (off > 1e-3).sum() or "none")
    print(f"{name}: {many}" + (f", up to {np.floor(off.max() * scale) / scale:g} and more" if off.max() > 1e-3 else ""))


def thresholds(node):
    if "split_feature" in node:
        if node["split_feature"] == 0:
            yield node["threshold"]
        yield from thresholds(node["left_child"])
        yield from thresholds(node["right_child"])


plain, scale = train(X), 10
look("as trained", plain, X)
look("trained without missing values, a fifth of the values missing", plain, gaps)
look("zero_as_missing, a third of the values 0", train(zeros, zero_as_missing=True), zeros)
scale = 100
look("sigmoid of 0.7", train(X, sigmoid=0.7), X)
scale, on = 10, X.copy()
found = [t for tree in plain.dump_model()["tree_info"] for t in thresholds(tree["tree_structure"])]
on[:150, 0] = found[:150]
look("150 values on a threshold", plain, on)
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
