"""Whether high scores go with bad outcomes: the area under the ROC curve, and its direction."""

import math

import numpy as np

from ..errors import OptionError
from ..model.tree import Floats
from ..read.classes import Meaning

# Of scores that tell nothing, one sample in a thousand lies further below one half.
CLEARLY = 3.0


def area(probability: Floats, outcome: Floats) -> float | None:
    """Return the AUC of probabilities `[N]` for outcomes of 0 and 1; None where only one is."""
    if len(np.unique(outcome)) < 2:
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcome, probability))


def check_direction(auc: float, outcome: Floats, meaning: Meaning) -> None:
    """Raise OptionError where the labels contradict the scores more than chance explains."""
    bad = float(outcome.sum())
    good = len(outcome) - bad
    if auc >= 0.5 - CLEARLY * math.sqrt((bad + good + 1) / (12 * bad * good)):
        return
    raise OptionError(
        f"AUC {auc:.3f} on {len(outcome)} labelled rows: the scores are upside down. "
        f"{_of(meaning)}, and the rows labelled bad get the lower ones "
        "(--bad-label says which label is the bad one)"
    )


def _of(meaning: Meaning) -> str:
    if meaning.of is None or meaning.classes is None:
        return (
            "LightGBM gives the probability of the label it took for 1 (--bad 0 where that is the "
            "good one)"
        )
    other = next((each for each in meaning.classes if each != meaning.of), meaning.of)
    return f"The probability is of {meaning.of!r} (--bad {other} for the other class)"
