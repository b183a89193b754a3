#!/usr/bin/env bash
# lleaves and m2cgen compile a LightGBM model with linear_tree=True, and leave the linear models out.
#
# With linear_tree each leaf holds a small linear model; its leaf_value is only what counts where an input is missing.
# Both importers read leaf_value alone and compile without a word: the curve becomes a staircase again. LightGBM's
# text says is_linear=1 in every tree. treelite and daal4py refuse such a model by name, so that one expects a refusal.
#
# Versions: lleaves 1.3.0 (llvmlite 0.43.0), m2cgen 0.10.0, treelite 4.8.1, lightgbm 4.7.0, numpy 2.4.6, pandas 2.3.3,
# scikit-learn 1.9.1.
# Source: lleaves/compiler/ast/scanner.py reads no is_linear; m2cgen/assemblers/boosting.py takes "leaf_value" of the
# dump. Tried on the same rows: their sums are those of LightGBM's leaf values.
# Who meets it: who turns linear_tree on for a smoother score, behind a compiler that has worked so far.
# Output seen: rows of 1000 that are off by more than 0.001
#   lleaves: plain 0, linear over 900, from the leaves' plain values 0
#   m2cgen: plain 0, linear over 900, from the leaves' plain values 0
#   treelite: plain 0, linear TreeliteError
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check lleaves==1.3.0 llvmlite==0.43.0 m2cgen==0.10.0 treelite==4.8.1 lightgbm==4.7.0 numpy==2.4.6 pandas==2.3.3 scikit-learn==1.9.1
cat > "$place/look.py" <<'PYTHON'
import sys
from pathlib import Path

import lightgbm as lgb
import lleaves
import m2cgen
import numpy as np
import treelite

sys.setrecursionlimit(10_000)
rng = np.random.default_rng(0)
X = rng.normal(size=(1000, 4))
y = X[:, 0] + X[:, 1] ** 2
options = {"verbosity": -1, "num_threads": 1, "random_state": 1, "n_estimators": 20}
models = {linear: lgb.LGBMRegressor(linear_tree=linear, **options).fit(X, y) for linear in (False, True)}


def by_lleaves(model):
    path = Path(__file__).with_name("model.txt")
    model.booster_.save_model(path)
    compiled = lleaves.Model(model_file=str(path))
    compiled.compile()
    return compiled.predict(X, n_jobs=1)


def by_m2cgen(model):
    names = {}
    exec(m2cgen.export_to_python(model), names)
    return np.array([names["score"](list(row)) for row in X])


def by_treelite(model):
    return treelite.gtil.predict(treelite.frontend.from_lightgbm(model.booster_), X).ravel()


def leaves(booster):
    placed = booster.predict(X, pred_leaf=True)
    return np.array([sum(booster.get_leaf_output(t, leaf) for t, leaf in enumerate(row)) for row in placed])


def off(found, wanted):
    rows = int((np.abs(found - wanted) > 1e-3).sum())
    return "over 900" if rows > 900 else rows


for name, scores in {"lleaves": by_lleaves, "m2cgen": by_m2cgen, "treelite": by_treelite}.items():
    plain = off(scores(models[False]), models[False].predict(X))
    try:
        found = scores(models[True])
    except treelite.TreeliteError as error:
        print(f"{name}: plain {plain}, linear {type(error).__name__}")
        continue
    linear, constant = off(found, models[True].predict(X)), off(found, leaves(models[True].booster_))
    print(f"{name}: plain {plain}, linear {linear}, from the leaves' plain values {constant}")
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
