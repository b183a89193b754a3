"""Statistics of drift: for each question an effect size and a significance test.

PSI: sum over bins of (q - p) ln(q / p), the stability index of credit scoring. Without drift, PSI /
(1/N + 1/M) approximately follows a chi-squared distribution with bins - 1 degrees of freedom
(Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal of Risk
Model Validation, 2020). That gives a threshold that small samples do not cross by chance.

Location: the Wilcoxon-Mann-Whitney test over ordered bins. It asks one question where PSI asks one
per bin, so it detects small shifts that PSI would attribute to chance.

Rates: the pooled two-proportion z-test. Intervals: Wilson's for a share, Newcombe's for a change
(Statistics in Medicine 17, 1998); both hold at 0 and 1 and in small samples.

Range: the exceedance distribution (Gumbel and von Schelling, Annals of Mathematical Statistics
21(2), 1950): of M new values, the number outside the range of N old ones is beta-binomial(M, 2, N -
1), whatever the distribution.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # it imports its parts when they are first used: the dashboard needs none

from ..rows.columns import Ints

SMOOTHING = 0.5
"""Added to every count, so that empty bins have a logarithm; negligible in large samples."""


@dataclass(frozen=True)
class Distance:
    """PSI between two samples, and the value that chance exceeds with probability alpha."""

    psi: float
    critical: float
    p_value: float


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Rate:
    """A share in the reference and in the current rows, and the p-value of the change."""

    reference: float
    current: float
    p_value: float


def psi(reference: Ints, current: Ints) -> float:
    """Return the population stability index of two count vectors [K]."""
    p = (reference + SMOOTHING) / (reference.sum() + SMOOTHING * len(reference))
    q = (current + SMOOTHING) / (current.sum() + SMOOTHING * len(current))
    return float(np.sum((q - p) * np.log(q / p)))


def distance(reference: Ints, current: Ints, alpha: float) -> Distance:
    """Compare two count vectors [K]; bins that are empty in both are left out."""
    held = (reference + current) > 0
    reference, current = reference[held], current[held]
    if len(reference) < 2 or not reference.sum() or not current.sum():
        return Distance(0.0, 0.0, 1.0)
    value = psi(reference, current)
    scale = 1 / reference.sum() + 1 / current.sum()
    freedom = len(reference) - 1
    return Distance(
        value,
        float(scipy.stats.chi2.isf(alpha, freedom) * scale),
        float(scipy.stats.chi2.sf(value / scale, freedom)),
    )


@dataclass(frozen=True)
class Location:
    """The chance that a current value is above a reference value; 0.5 without a shift."""

    superiority: float
    p_value: float


NO_SHIFT = Location(0.5, 1.0)


def location(reference: Ints, current: Ints) -> Location:
    """Compare the ranks of two samples, given as counts in ordered bins [K]; ties share a rank."""
    n, m = int(reference.sum()), int(current.sum())
    if not n or not m:
        return NO_SHIFT
    both = (reference + current).astype(np.float64)
    ranks = np.cumsum(both) - both + (both + 1) / 2
    wins = float(current @ ranks) - m * (m + 1) / 2
    ties = float(np.sum(both**3 - both)) / ((n + m) * (n + m - 1))
    spread = np.sqrt(n * m / 12 * (n + m + 1 - ties))
    if not spread:
        return NO_SHIFT
    return Location(wins / (n * m), float(2 * scipy.stats.norm.sf(abs(wins - n * m / 2) / spread)))


def rate(reference: int, of_reference: int, current: int, of_current: int) -> Rate:
    """Compare a share of the reference rows with the same share of the current rows."""
    if not of_reference or not of_current:
        return Rate(0.0, 0.0, 1.0)
    p, q = reference / of_reference, current / of_current
    pooled = (reference + current) / (of_reference + of_current)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / of_reference + 1 / of_current))
    return Rate(p, q, float(2 * scipy.stats.norm.sf(abs(q - p) / spread)) if spread else 1.0)


def share(count: int, of: int) -> Interval:
    """Return a share with its interval, which is 0 to 1 without rows."""
    if not of:
        return Interval(0.0, 0.0, 1.0)
    from statsmodels.stats.proportion import proportion_confint  # late, as it imports all of scipy

    low, high = proportion_confint(count, of, method="wilson")
    return Interval(count / of, float(low) if count else 0.0, float(high) if count < of else 1.0)


def change(reference: int, of_reference: int, current: int, of_current: int) -> Interval:
    """Return the change of a share from the reference to now; both sides hold a row."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        current, of_current, reference, of_reference, method="newcomb", compare="diff"
    )
    return Interval(current / of_current - reference / of_reference, float(low), float(high))


def outside(count: int, of_current: int, of_reference: int) -> float:
    """Return the chance that `count` or more current values are outside the reference's range."""
    if not count or of_reference < 2:
        return 1.0
    return float(scipy.stats.betabinom.sf(count - 1, of_current, 2, of_reference - 1))
