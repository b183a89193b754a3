"""Discrimination and calibration of a score, each with a 95 % confidence interval.

AUC: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), by midranks (Sun and Xu, IEEE Signal
Processing Letters 21, 2014). Rates: Wilson's interval. KS: percentile bootstrap, seeded.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from .result import Estimate, Quality

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Z = float(norm.isf(0.025))
FEWEST = 10
"""With fewer goods or bads, discrimination is not worth a number."""
RESAMPLES = 200


def quality(scores: Floats, labels: Floats) -> Quality:
    """Judge scores [n] against outcomes [n] of 0 and 1; higher scores should be bad."""
    rows, bad = len(labels), int(labels.sum())
    found = Quality(rows, bad)
    if not rows:
        return found
    found.mean_prediction = float(scores.mean())
    found.bad_rate = wilson(bad, rows)
    found.brier = mean((scores - labels) ** 2)
    if min(bad, rows - bad) >= FEWEST:
        found.auc = auc(scores, labels)
        low, high = (2 * edge - 1 for edge in (found.auc.low, found.auc.high))
        found.gini = Estimate(2 * found.auc.value - 1, low, high)
        found.ks = ks(scores, labels)
    return found


def auc(scores: Floats, labels: Floats) -> Estimate:
    """Return the area under the ROC curve with DeLong's interval."""
    bad, good = scores[labels == 1], scores[labels == 0]
    both = rankdata(np.concatenate([bad, good]))
    of_bad = (both[: len(bad)] - rankdata(bad)) / len(good)
    of_good = 1 - (both[len(bad) :] - rankdata(good)) / len(bad)
    area = float(of_bad.mean())
    spread = float(np.sqrt(of_bad.var(ddof=1) / len(bad) + of_good.var(ddof=1) / len(good)))
    return Estimate(area, max(0.0, area - Z * spread), min(1.0, area + Z * spread))


def ks(scores: Floats, labels: Floats) -> Estimate:
    """Return the Kolmogorov-Smirnov distance between the scores of bad and good."""
    order = np.argsort(scores)
    bad, good = (np.nonzero(labels[order] == label)[0] for label in (1, 0))
    ends = np.nonzero(np.diff(scores[order], append=np.inf))[0]  # the last row of each score
    random = np.random.default_rng(0)
    again = [
        _gap(random.choice(bad, len(bad)), random.choice(good, len(good)), ends)
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    return Estimate(_gap(bad, good, ends), float(low), float(high))


def _gap(bad: Positions, good: Positions, ends: Positions) -> float:
    """Return the largest distance between two samples, given as positions in the order of score."""
    of_bad, of_good = (
        np.cumsum(np.bincount(rows, minlength=ends[-1] + 1))[ends] / len(rows)
        for rows in (bad, good)
    )
    return float(np.abs(of_bad - of_good).max())


def wilson(hits: int, of: int) -> Estimate:
    """Return a rate with Wilson's score interval; `of` is at least 1."""
    rate = hits / of
    middle = (rate + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * np.sqrt(rate * (1 - rate) / of + Z * Z / (4 * of * of))
    return Estimate(rate, max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def mean(values: Floats) -> Estimate:
    """Return a mean with its normal interval; `values` [n], n at least 1."""
    value = float(values.mean())
    half = Z * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return Estimate(value, float(value - half), float(value + half))
