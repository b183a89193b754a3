"""The AUC of the scores, and a check that high scores go with bad outcomes."""

import math

import numpy as np

from ..errors import OptionError
from ..model.tree import Floats
from ..read.classes import Meaning

# In standard deviations: with uninformative scores, one sample in a thousand is further below 0.5.
CLEARLY = 3.0


def area(probability: Floats, outcome: Floats) -> float | None:
    """Return the AUC of probabilities `[N]` for outcomes of 0 and 1; None if only one of
    them occurs.
    """
    if len(np.unique(outcome)) < 2:
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcome, probability))


def check_direction(auc: float, outcome: Floats, meaning: Meaning) -> None:
    """Raise OptionError if the labels contradict the scores more than chance can explain."""
    bad = float(outcome.sum())
    good = len(outcome) - bad
    if auc >= 0.5 - CLEARLY * math.sqrt((bad + good + 1) / (12 * bad * good)):
        return
    raise OptionError(
        f"AUC {auc:.3f} on {len(outcome)} labelled rows: the scores are upside down. "
        f"{_of(meaning)}, but the rows labelled bad get the lower scores "
        "(--bad-label says which label is the bad one)"
    )


def _of(meaning: Meaning) -> str:
    if meaning.of is None or meaning.classes is None:
        return "LightGBM gives the probability of the label 1 (use --bad 0 if 1 is the good one)"
    other = next((each for each in meaning.classes if each != meaning.of), meaning.of)
    return f"The probability is of {meaning.of!r} (use --bad {other} for the other class)"
