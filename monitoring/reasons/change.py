"""Whether reasons drifted: how often each is answered, in two sets of decisions.

The largest reason of a decision is one of several, so how often each is the largest is compared as
drift compares categories: PSI, with a chi-squared test of homogeneity, and Cramer's V. How often a
code is named at all is compared code by code, since a decision names several.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association

from ..drift import statistics
from ..drift.result import Settings
from ..rows.columns import Ints
from .tally import Tally

LEAST = 2  # codes, and sets of decisions: less cannot be compared


class CodeChange(msgspec.Struct):
    """The share of decisions that name a code, before and now, and its change with a 95 %
    interval.
    """

    code: str
    before: float
    now: float
    change_low: float
    change_high: float
    p_value: float
    drifted: bool


class Change(msgspec.Struct):
    """Two sets of decisions compared; `enough`: both hold enough of them for a verdict."""

    against: str
    before: int
    now: int
    enough: bool
    drifted: bool
    psi: float
    chi_squared: float
    freedom: int
    p_value: float
    cramers_v: float
    codes: list[CodeChange]


def compare(against: str, before: Tally, now: Tally, settings: Settings) -> Change:
    """Compare the reasons of two sets of decisions."""
    codes = now.codes() + [code for code in before.codes() if code not in now.codes()]
    sides = [tally.first_codes() for tally in (before, now)]
    counts = np.array([[side[code] for code in codes] for side in sides]).reshape(2, -1)
    alpha = settings.alpha / (len(codes) + 1)
    test = homogeneity(counts)
    psi = statistics.distance(counts[0], counts[1], alpha).psi
    enough = min(before.rows, now.rows) >= settings.min_rows
    found = [_code(code, before, now, alpha, settings) for code in codes]
    moved = test.p_value < alpha and psi >= settings.min_psi
    drifted = enough and (moved or any(each.drifted for each in found))
    return Change(
        against, before.rows, now.rows, enough, drifted, psi, test.chi_squared, test.freedom,
        test.p_value, test.cramers_v, found,
    )  # fmt: skip


class Homogeneity(NamedTuple):
    """A chi-squared test, and Cramer's V."""

    chi_squared: float
    freedom: int
    p_value: float
    cramers_v: float


def homogeneity(counts: Ints) -> Homogeneity:
    """Test whether the rows of counts [sets, codes] have the same shares."""
    held = counts[:, counts.sum(axis=0) > 0][counts.sum(axis=1) > 0]
    if min(held.shape) < LEAST:
        return Homogeneity(0.0, 0, 1.0, 0.0)
    test = chi2_contingency(held, correction=False)
    v = association(held, method="cramer")
    return Homogeneity(float(test.statistic), int(test.dof), float(test.pvalue), float(v))


def _code(code: str, before: Tally, now: Tally, alpha: float, settings: Settings) -> CodeChange:
    sides = (before.of_code(code), before.rows, now.of_code(code), now.rows)
    rate = statistics.rate(*sides)
    if not min(before.rows, now.rows):
        return CodeChange(code, rate.reference, rate.current, -1.0, 1.0, 1.0, False)
    moved = statistics.change(*sides)
    enough = min(before.rows, now.rows) >= settings.min_rows
    large = abs(moved.value) >= settings.min_rate_change
    drifted = enough and large and rate.p_value < alpha
    return CodeChange(
        code, rate.reference, rate.current, moved.low, moved.high, rate.p_value, drifted
    )
