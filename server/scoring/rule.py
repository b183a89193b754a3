"""The valid values of one feature, and how to describe them."""

import math
from typing import Any

from ..bundle.applicant import EXACT
from ..bundle.manifest import Category, Feature, Number
from .lenient import show

LISTED_CATEGORIES = 12


def wanted_of(feature: Feature) -> str:
    """Describe what a client may send for a feature."""
    if isinstance(feature, Category):
        values = ", ".join(map(show, feature.categories[:LISTED_CATEGORIES]))
        more = len(feature.categories) - LISTED_CATEGORIES
        plain = f"one of {values}" + (f" and {more} more" if more > 0 else "")
    else:
        plain = "a finite number, true or false" if feature.boolean else "a finite number"
    return f"{plain}, or null" if feature.missing.allowed else plain


def kind_of(value: Any) -> type:
    """Return the JSON type of a value: true is not a number; 2 and 2.0 are the same."""
    return float if type(value) is int else type(value)


def is_exact(value: float) -> bool:
    """Whether the number is finite and float64 holds it exactly."""
    if isinstance(value, int):
        return abs(value) <= EXACT or (abs(value) < 2**1023 and int(float(value)) == value)
    return math.isfinite(value)


class Rule:
    """The valid values of one feature."""

    def __init__(self, feature: Feature, unseen_is_missing: bool = False) -> None:
        self.wanted = wanted_of(feature)
        self._may_be_missing = feature.missing.allowed
        categories = feature.categories if isinstance(feature, Category) else ()
        self._known = {(kind_of(each), each) for each in categories}
        self._kinds = {kind for kind, _ in self._known}
        self._is_category = isinstance(feature, Category)
        self._numbers = (
            {float, bool} if isinstance(feature, Number) and feature.boolean else {float}
        )
        self._unseen_fits = unseen_is_missing and feature.missing.allowed

    def fits(self, value: Any) -> bool:
        """Whether the model may see `value`."""
        if value is None:
            return self._may_be_missing
        kind = kind_of(value)
        if kind is float and not is_exact(value):
            return False
        if not self._is_category:
            return kind in self._numbers
        return kind in self._kinds and (self._unseen_fits or (kind, value) in self._known)
