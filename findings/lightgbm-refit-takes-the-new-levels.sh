#!/usr/bin/env bash
# Refit or continue a LightGBM model on a table whose categories differ by one, and its old trees read other
# categories from then on. Nothing is said.
#
# A tree splits on the codes of a category, and the model keeps the list of levels that gives each code its
# meaning; predict() maps a frame by that list, so an order of levels has never mattered. refit() and
# train(init_model=...) keep the trees and take the list of the new frame. A quarter in which nobody asked for
# a loan of the first purpose is enough: every code moves by one. decay_rate=1.0 should change nothing at all.
#
# Versions: lightgbm 4.7.0, pandas 2.3.3, scikit-learn 1.9.1, numpy 2.4.6.
# Source: lightgbm/basic.py, Booster.refit: `new_booster = Booster(self.params, train_set)`, whose
# pandas_categorical is the new Dataset's; engine.py, train(), the same behind init_model.
# Who meets it: who refits or continues a model on recent rows, with columns of astype("category").
# Way out: set the model's own levels first, `astype(CategoricalDtype(levels))`, the new ones behind them.
# Output seen:
#   the model: levels abcdef, AUC 0.92
#   the same rows, levels in another order: AUC 0.92
#   refit(decay_rate=1.0) on the rows without "a": levels bcdef, AUC of these rows 0.90 before, 0.28 after
#   init_model and 5 trees, the same rows: levels bcdef, AUC 0.56
#   refit(decay_rate=1.0), levels set first: AUC 0.90
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check lightgbm==4.7.0 pandas==2.3.3 scikit-learn==1.9.1 numpy==2.4.6
cat > "$place/look.py" <<'PYTHON'
import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score as auc

rng = np.random.default_rng(0)
purpose = rng.choice(list("abcdef"), 4000)
effect = pd.Series(purpose).map({"a": 3, "b": -3, "c": 2, "d": -2, "e": 0, "f": 1})
x = rng.normal(size=4000)
y = (effect + x + rng.logistic(size=4000) > 0).to_numpy().astype(int)
options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1}


def frame(rows, levels=None):
    return pd.DataFrame({"purpose": pd.Categorical(purpose[rows], levels), "x": x[rows]})


def levels(booster):
    return "".join(booster.pandas_categorical[0])


every, later = np.arange(4000), purpose != "a"
model = lgb.train(options, lgb.Dataset(frame(every), y), 30)
print(f"the model: levels {levels(model)}, AUC {auc(y, model.predict(frame(every))):.2f}")
turned = frame(every, list("fedcba"))
print(f"the same rows, levels in another order: AUC {auc(y, model.predict(turned)):.2f}")
new = frame(later)
before = auc(y[later], model.predict(new))
again = model.refit(new, y[later], decay_rate=1.0)
after = auc(y[later], again.predict(new))
print(f'refit(decay_rate=1.0) on the rows without "a": levels {levels(again)}, '
      f"AUC of these rows {before:.2f} before, {after:.2f} after")
more = lgb.train(options, lgb.Dataset(new, y[later]), 5, init_model=model)
print(f"init_model and 5 trees, the same rows: levels {levels(more)}, "
      f"AUC {auc(y[later], more.predict(new)):.2f}")
new = frame(later, list("abcdef"))
again = model.refit(new, y[later], decay_rate=1.0)
print(f"refit(decay_rate=1.0), levels set first: AUC {auc(y[later], again.predict(new)):.2f}")
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
