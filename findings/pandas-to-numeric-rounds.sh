#!/usr/bin/env bash
# pandas.to_numeric gives another double than float() and astype(float), for a third of long texts.
#
# Reading a CSV as text is the known way around the rounding of read_csv: dtype=str, then to_numeric. But to_numeric
# parses by the same routine, and has no float_precision. Series.astype(float) of the same column is right to the last
# bit. Texts of up to 15 digits, such as amounts, are right in both; what rounds is computed: ratios, scores,
# probabilities. A row on a split's threshold then takes the other side, and replayed scores do not match.
#
# Versions: pandas 2.3.3 and 3.0.6; right since 3.1 (3.1.1). numpy 2.4.6.
# Source: pandas/_libs/lib.pyx, maybe_convert_numeric, which calls floatify, and so precise_xstrtod.
# Who meets it: who reads scores or features back from CSV or JSON texts and compares or scores them again.
# Way out: astype(float); pandas 3.1.
# Output seen: texts of 20000 doubles that became another one, and by how many steps at most
#   pandas 2.3.3: to_numeric 7074, up to 6023; astype(float) 0
#   pandas 3.0.6: to_numeric 7074, up to 6023; astype(float) 0
#   pandas 3.1.1: to_numeric 0, up to 0; astype(float) 0
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/look.py" <<'PYTHON'
import numpy as np
import pandas as pd

values = np.random.default_rng(0).random(20_000)
texts = pd.Series([repr(value) for value in values.tolist()])
found = pd.to_numeric(texts).to_numpy()
steps = np.abs(found.view(np.int64) - values.view(np.int64))
cast = int((texts.astype(float) != values).sum())
print(f"pandas {pd.__version__}: to_numeric {(steps > 0).sum()}, up to {steps.max()}; astype(float) {cast}")
PYTHON
for version in 2.3.3 3.0.6 3.1.1; do
  python3 -m venv "$place/$version"
  "$place/$version/bin/pip" install --quiet --disable-pip-version-check "pandas==$version" numpy==2.4.6
  "$place/$version/bin/python" "$place/look.py" | tee -a "$place/said"
done
diff <(sed -n 's/^#   //p' "$0") "$place/said"
