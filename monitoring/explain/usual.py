"""The values that are usual among the applicants whom reasons are measured against."""

import math

import numpy as np

from ..bundle.manifest import Feature, Rule
from ..rows.columns import CATEGORY
from ..rows.encode import labels_of
from .forest import Floats
from .reference import Reference

MARGIN = 10  # the marginal ones are a tenth of the approved
MISSING = "missing"
AMONG = {
    "marginal": "those just approved",
    "approved": "those approved",
    "all": "all applicants",
    "expectation": "all applicants",
}


def neighbours(reference: Reference, rule: Rule, kind: str) -> Floats:
    """Return the reference rows [M, F], as sent, that a baseline of that kind is the mean of.

    As convert chooses them (convert/reasons/baseline.py).
    """
    probability = reference.predictions
    if kind not in {"marginal", "approved"}:
        return reference.sent
    cutoff = rule.refuse_at if rule.refer_from is None else rule.refer_from
    approved = np.flatnonzero(probability < cutoff)
    if not len(approved):
        lowest = np.sort(probability)[math.ceil(len(probability) / MARGIN) - 1]
        approved = np.flatnonzero(probability <= lowest)
    elif kind == "marginal":
        nearest = np.sort(probability[approved])[-math.ceil(len(approved) / MARGIN)]
        approved = approved[probability[approved] >= nearest]
    return reference.sent[approved]


def usual(feature: Feature, values: Floats) -> str:
    """Say what is usual among values [M]: the median, or the most frequent category."""
    held = values[~np.isnan(values)]
    if 2 * len(held) < len(values):
        return MISSING
    if feature.type != CATEGORY:
        return f"{np.median(held):.6g}"
    codes, counts = np.unique(held, return_counts=True)
    most = int(np.argmax(counts))
    return f"{named(feature, float(codes[most]))} ({counts[most] / len(values):.0%})"


def named(feature: Feature, value: float) -> str:
    """Return a value of a row in words."""
    if math.isnan(value):
        return MISSING
    if feature.type != CATEGORY:
        return f"{value:.6g}"
    names = dict(zip(feature.codes, labels_of(feature.categories), strict=True))
    return names.get(value, MISSING)
