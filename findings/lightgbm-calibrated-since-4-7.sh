#!/usr/bin/env bash
# A calibrated model fitted with LightGBM 4.6 gives other probabilities when it is loaded with 4.7.
#
# scikit-learn's CalibratedClassifierCV gives its calibrator the estimator's `decision_function`, and
# `predict_proba` only where there is none. LGBMClassifier has had a `decision_function`, the raw score,
# since 4.7. So a sigmoid that was fitted on probabilities is given raw scores after an upgrade, with no
# warning: below a probability of .271 becomes .00008. Models fitted since are right, on raw scores.
#
# Versions: lightgbm 4.6.0 and 4.7.0, scikit-learn 1.9.1.
# Source: sklearn/calibration.py, _CalibratedClassifier.predict_proba, `response_method=
# ["decision_function", "predict_proba"]`; lightgbm/sklearn.py, `LGBMClassifier.decision_function`,
# ".. versionadded:: 4.7.0".
# Who meets it: who keeps a calibrated model in a pickle and upgrades LightGBM; who reads the calibrator out
# of the file has to find out what it was fitted on.
# Output seen:
#   fitted with 4.6.0: 0.2710 0.3122 0.7055
#   loaded with 4.7.0: 0.0001 0.0002 0.1641
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/calibrated.py" <<'PYTHON'
import pickle
import sys
import warnings

import lightgbm
import numpy as np
from sklearn.calibration import CalibratedClassifierCV

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 3))
y = (X[:, 0] + rng.normal(size=2000) > 1).astype(int)
if sys.argv[1] == "fitted":
    classifier = lightgbm.LGBMClassifier(n_estimators=10, verbosity=-1, n_jobs=1)
    model = CalibratedClassifierCV(classifier, ensemble=False, cv=3).fit(X, y)
    with open(sys.argv[2], "wb") as file:
        pickle.dump(model, file)
with open(sys.argv[2], "rb") as file:
    model = pickle.load(file)
print(f"{sys.argv[1]} with {lightgbm.__version__}:", *(f"{p:.4f}" for p in model.predict_proba(X[:3])[:, 1]))
PYTHON
for version in 4.6.0 4.7.0; do
    python3 -m venv "$place/$version"
    "$place/$version/bin/pip" install --quiet "lightgbm==$version" "scikit-learn==1.9.1"
done
"$place/4.6.0/bin/python" "$place/calibrated.py" fitted "$place/model.pkl" | tee "$place/said"
"$place/4.7.0/bin/python" "$place/calibrated.py" loaded "$place/model.pkl" | tee -a "$place/said"
diff "$place/said" - <<'SAID'
fitted with 4.6.0: 0.2710 0.3122 0.7055
loaded with 4.7.0: 0.0001 0.0002 0.1641
SAID
