#!/usr/bin/env bash
# Timber compiles LightGBM models to C. Where a split parts missing values from all others, LightGBM
# writes "inf" as its threshold; Timber makes "inf.0f" of it, which is no C. It then says "gcc not found"
# (gcc is there) and promises a fallback to Python that its server has not: timber serve ends. A split on
# a set of categories compiles, but the set is read as a number: other probabilities, without a word.
# Models of numbers alone agree with LightGBM to single precision.
#
# Versions: timber-compiler 0.6.0, lightgbm 4.7.0, any gcc.
# Source: timber/frontends/lightgbm_parser.py (thresholds of every decision_type are read as floats),
# timber/store.py (_compile_shared_lib turns any error of the compiler into None).
# Who meets it: whoever compiles a credit model, which has both. Way out: score by the fraction of rows
# that agree with LightGBM before you serve; lleaves and TL2cgen read sets.
# Seen:
#   numbers     Compiled:  yes  100 of 100 rows agree to 1e-6
#   set         Compiled:  yes  56 of 100 rows agree to 1e-6
#   missing     Compiled:  no (gcc not found)
#   gcc says: error: 'inf' undeclared here
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; script=$(realpath "$0"); cd "$here"
export HOME=$here CC=gcc LC_ALL=C
gcc --version >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check timber-compiler==0.6.0 lightgbm==4.7.0 numpy==2.4.6

cat > models.py <<'PY'
import lightgbm
import numpy as np

rng = np.random.default_rng(0)
x = rng.integers(0, 8, (2000, 1)).astype(float)
odd = (x[:, 0] % 2 > 0).astype(float)
gap = np.where(rng.random((2000, 1)) < 0.5, np.nan, x - 3.5)
for name, rows, label, sets in (
    ("numbers", x, (x[:, 0] > 3).astype(float), []),
    ("set", x, odd, [0]),
    ("missing", gap, np.isnan(gap[:, 0]).astype(float), []),
):
    data = lightgbm.Dataset(rows, label, categorical_feature=sets, params={"verbose": -1})
    options = {"objective": "binary", "num_leaves": 4, "verbose": -1, "deterministic": True}
    model = lightgbm.train(options, data, 5)
    model.save_model(f"{name}.txt")
    np.savez(f"{name}.npz", rows=rows[:100], wanted=model.predict(rows[:100]))
PY
cat > compare.py <<'PY'
import sys

import numpy as np
from timber.runtime.predictor import TimberPredictor
from timber.store import ModelStore

name = sys.argv[1]
held, library = np.load(f"{name}.npz"), ModelStore().get_lib_path(name)
predictor = TimberPredictor(library, 1, 1, 5)
given = np.ravel(predictor.predict(held["rows"].astype(np.float32)))
print(f"{(np.abs(given - held['wanted']) < 1e-6).sum()} of 100 rows agree to 1e-6")
PY
venv/bin/python models.py
for name in numbers set missing; do
  said=$(venv/bin/timber load "$name.txt" --name "$name" | grep -o 'Compiled: .*')
  case $said in *yes*) said="$said  $(venv/bin/python compare.py "$name")" ;; esac
  printf '%-10s  %s\n' "$name" "$said"
done > output
echo "gcc says: $(gcc -std=c99 -fsyntax-only .timber/models/missing/compiled/model.c 2>&1 | grep -o "error: 'inf' undeclared here" | head -1)" >> output
cat output
sed -n 's/^#   //p' "$script" > seen
diff seen output
