"""The profile: histograms of the reference rows, which drift is later measured against."""

import numpy as np

from ..model.features import Feature
from ..model.rows import Rows
from ..model.tree import Floats
from ..policy.policy import Policy
from .binning import edges_of, sentinels_of


def counts_of(values: Floats, edges: Floats) -> list[int]:
    """Count values without NaN into the bins of `edges`."""
    bins = np.searchsorted(edges, values, side="right")
    counts: list[int] = np.bincount(bins, minlength=len(edges) + 1).tolist()
    return counts


def profile(
    rows: Rows, features: list[Feature], prediction: Floats, policy: Policy | None
) -> dict[str, object]:
    """Return the profile of N rows as the model sees them, and of their predictions `[N, K]`."""
    X = rows.X
    result: dict[str, object] = {
        "schema_version": 1,
        "rows": len(X),
        "features": [
            _feature(X[:, i], feature, rows.unseen[i]) for i, feature in enumerate(features)
        ],
    }
    if prediction.shape[1] == 1:
        edges = edges_of(prediction[:, 0])
        counts = counts_of(prediction[:, 0], edges)
        result["prediction"] = {"edges": edges.tolist(), "counts": counts}
    if policy is not None:
        result["decisions"] = policy.decisions(prediction[:, 0])
    return result


def _feature(column: Floats, feature: Feature, unseen: int) -> dict[str, object]:
    missing = int(np.isnan(column).sum()) - unseen
    present = column[~np.isnan(column)]
    head: dict[str, object] = {"name": feature.name}
    if feature.codes is not None:
        codes = np.array(feature.codes)
        counts = [int((present == code).sum()) for code in codes]
        return {**head, "type": "category", "counts": counts, "unseen": unseen, "missing": missing}
    edges = edges_of(present)
    histogram = {"edges": edges.tolist(), "counts": counts_of(present, edges), "missing": missing}
    return {**head, "type": "number", **histogram, **_moments(present)}


def _moments(present: Floats) -> dict[str, object]:
    finite = present[np.isfinite(present)]
    found = sentinels_of(finite)
    sentinels = [{"value": value, "count": count} for value, count in found.items()]
    rest = finite[~np.isin(finite, list(found))]
    if not len(rest):
        return {"min": None, "max": None, "mean": None, "std": None, "sentinels": sentinels}
    _, exponent = np.frexp(np.abs(rest).max())
    scaled = np.ldexp(rest, -exponent)  # squares of large numbers would not be finite
    return {
        "min": float(rest.min()),
        "max": float(rest.max()),
        "mean": float(np.ldexp(scaled.mean(), exponent)),
        "std": float(np.ldexp(scaled.std(), exponent)),
        "sentinels": sentinels,
    }
