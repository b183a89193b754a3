"""Choose Evidently's method and threshold for each column.

Evidently's own choice depends on the sample's size, does not correct for the number of columns, and
drops missing values. For a continuous number: Kolmogorov-Smirnov, corrected for the number of
columns. For a category or a number with few values: PSI over the values, above what chance gives at
these sizes. For missing values: a test of their share, which none of Evidently's drift methods
looks at.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from ..drift.result import Settings

FEW_VALUES = 20
"""Up to this many distinct numbers, Evidently's PSI has a bin per value instead of equal widths."""


@dataclass(frozen=True)
class Method:
    """A method by Evidently's name, its threshold, and the largest acceptable share of
    missing values.
    """

    name: str
    threshold: float
    missing: float


def method(
    reference: "pd.Series[float]", current: "pd.Series[float]", alpha: float, settings: Settings
) -> Method:
    """Choose the method for a column; `alpha` is the chance of a false alarm for this column."""
    most_missing = _most_missing(reference, len(current), alpha, settings)
    number = pd.api.types.is_numeric_dtype(reference.dtype)
    values = reference.nunique()
    if number and values > FEW_VALUES:
        return Method("ks", alpha, most_missing)
    scale = 1 / max(reference.count(), 1) + 1 / max(current.count(), 1)
    both = pd.concat([reference, current]).nunique()
    critical = float(chi2.isf(alpha, max(both - 1, 1)) * scale)
    return Method("psi", max(critical, settings.min_psi), most_missing)


def _most_missing(
    reference: "pd.Series[float]", rows: int, alpha: float, settings: Settings
) -> float:
    share = float(reference.isna().mean())
    chance = np.sqrt(max(share * (1 - share), 1 / rows) * (1 / len(reference) + 1 / rows))
    return float(min(1.0, share + max(settings.min_rate_change, norm.isf(alpha) * chance)))
