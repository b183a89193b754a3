#!/usr/bin/env bash
# The PSI of frouros says "large shift" of two samples of one distribution: one row in an empty bin adds a third.
#
# PSI takes the logarithm of a share over a share, so a bin that is empty on one side needs a floor. Elsewhere it is half
# a count or 0.0001. frouros takes sys.float_info.min, 2e-308, whose logarithm is -708: one row of 2,000 in a bin
# that the other sample left empty adds 0.35, and credit calls 0.25 a large shift. The bins are of equal width
# between the extremes of both samples, so the tail of any income or amount has such bins.
#
# Versions: frouros 0.9.0, numpy 2.1.3, scipy 1.14.1.
# Source: frouros/detectors/data_drift/batch/distance_based/psi.py, PSI._psi.
# Who meets it: who takes its PSI with the usual limits of 0.1 and 0.25.
# Output seen: twenty pairs of samples of 2,000 rows, and the PSI of 10 quantile bins beside it
#   log-normal, no shift: frouros above 0.25 in over half of them: True; quantile bins: 0 of 20
#   exponential, no shift: frouros above 0.25 in over half of them: True; quantile bins: 0 of 20
#   one row of 2,000 in an empty bin adds 0.35
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check frouros==0.9.0 numpy==2.1.3 scipy==1.14.1
cat > "$place/look.py" <<'PYTHON'
import numpy as np
from frouros.detectors.data_drift import PSI

rng = np.random.default_rng(0)


def frouros(reference, current):
    detector = PSI(num_bins=10)
    detector.fit(X=reference)
    return detector.compare(X=current)[0].distance


def quantile(reference, current):
    edges = np.quantile(reference, np.linspace(0, 1, 11))[1:-1]
    p, q = ((np.bincount(np.searchsorted(edges, rows), minlength=10) + 0.5) / (len(rows) + 5)
            for rows in (reference, current))
    return ((q - p) * np.log(q / p)).sum()


for name, draw in {"log-normal": rng.lognormal, "exponential": rng.exponential}.items():
    pairs = [(draw(size=2000), draw(size=2000)) for _ in range(20)]
    many = sum(frouros(*pair) > 0.25 for pair in pairs)
    few = sum(quantile(*pair) > 0.25 for pair in pairs)
    print(f"{name}, no shift: frouros above 0.25 in over half of them: {many > 10}; quantile bins: {few} of 20")
flat = np.tile(np.arange(10.0), 200)
apart = np.append(flat[1:], 19.0)
print(f"one row of 2,000 in an empty bin adds {frouros(np.append(flat[1:], 9.0), apart):.2f}")
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
