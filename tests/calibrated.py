"""A classifier of three numbers, which calibrators are fitted behind."""

import lightgbm
import numpy as np
import pandas as pd

RNG = np.random.default_rng(6)
FRAME = pd.DataFrame(RNG.normal(size=(1500, 3)), columns=["income", "age", "debt"])
BAD = (FRAME.debt - FRAME.income + RNG.normal(size=1500) > 0.8).astype(int)


def classifier() -> lightgbm.LGBMClassifier:
    """Return one that is not fitted."""
    return lightgbm.LGBMClassifier(n_estimators=12, num_leaves=7, verbosity=-1, n_jobs=1)


CLF = classifier().fit(FRAME, BAD)
RAW = np.asarray(CLF.booster_.predict(FRAME, raw_score=True))
P = np.asarray(CLF.booster_.predict(FRAME))
