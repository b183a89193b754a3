"""Discrimination and calibration of a score, each with a 95 % confidence interval.

AUC: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), with midranks (Sun and Xu, IEEE Signal
Processing Letters 21, 2014). If good and bad scores do not overlap, DeLong's interval has no width;
then the score interval with the variance of Hanley and McNeil (Radiology 143, 1982) is used. Rates:
Wilson's interval. Costs: the rates' intervals combined as Newcombe does (Zou and Donner, Statistics
in Medicine 27, 2008). KS: seeded percentile bootstrap; where it has no width, Newcombe's interval.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from ..drift import statistics
from .result import Estimate, Quality

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Z = float(norm.isf(0.025))
FEWEST = 10
"""With fewer goods or bads, discrimination is not worth a number."""
RESAMPLES = 200
CLOSE = 1e-9


def quality(scores: Floats, labels: Floats) -> Quality:
    """Judge scores [n] by outcomes [n] of 0 and 1; bad applicants should have higher scores."""
    rows, bad = len(labels), int(labels.sum())
    found = Quality(rows, bad)
    if not rows:
        return found
    found.mean_prediction = float(scores.mean())
    found.bad_rate = wilson(bad, rows)
    found.brier = mean((scores - labels) ** 2, 1.0)
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
    if not spread:
        return Estimate(area, *_score_interval(area, len(bad), len(good)))
    return Estimate(area, max(0.0, area - Z * spread), min(1.0, area + Z * spread))


def _score_interval(area: float, bad: int, good: int) -> tuple[float, float]:
    """Return the range of true areas that the observed area does not contradict."""

    def beyond(true: float) -> float:
        q1, q2 = true / (2 - true), 2 * true**2 / (1 + true)
        more = (bad - 1) * (q1 - true**2) + (good - 1) * (q2 - true**2)
        return (area - true) ** 2 - Z * Z * (true * (1 - true) + more) / (bad * good)

    low = float(brentq(beyond, 0.0, area - CLOSE)) if area > CLOSE else 0.0
    high = float(brentq(beyond, area + CLOSE, 1.0)) if area < 1 - CLOSE else 1.0
    return low, high


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
    value = _gap(bad, good, ends)
    if value == 1.0:  # every resample has it
        low = statistics.change(0, len(good), len(bad), len(bad)).low
    return Estimate(value, float(low), float(high))


def _gap(bad: Positions, good: Positions, ends: Positions) -> float:
    """Return the largest distance between two samples, given as positions in score order."""
    of_bad, of_good = (
        np.cumsum(np.bincount(rows, minlength=ends[-1] + 1))[ends] / len(rows)
        for rows in (bad, good)
    )
    return float(np.abs(of_bad - of_good).max())


def wilson(hits: int, of: int) -> Estimate:
    """Return a rate with Wilson's score interval; `of` is at least 1."""
    share = statistics.share(hits, of)
    return Estimate(share.value, share.low, share.high)


def weighted(rates: Sequence[tuple[float, int]], of: int) -> Estimate:
    """Return the sum of weight x rate over one set of rows, given as (weight, hits)."""
    known = [(weight, wilson(hits, of)) for weight, hits in rates]
    value = sum(weight * rate.value for weight, rate in known)
    down = sum((weight * (rate.value - rate.low)) ** 2 for weight, rate in known)
    up = sum((weight * (rate.high - rate.value)) ** 2 for weight, rate in known)
    return Estimate(value, max(0.0, value - float(np.sqrt(down))), value + float(np.sqrt(up)))


def mean(values: Floats, most: float) -> Estimate:
    """Return a mean with its normal interval; `values` [n] are between 0 and `most`."""
    value = float(values.mean())
    if len(values) < 2:
        return Estimate(value, 0.0, most)
    half = Z * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Estimate(value, max(0.0, float(value - half)), min(most, float(value + half)))
