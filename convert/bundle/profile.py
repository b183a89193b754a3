"""The profile: histograms of the reference rows, which drift is later measured against."""

import numpy as np

from ..model.features import Feature
from ..model.rows import Rows
from ..model.tree import Floats
from ..policy.policy import Policy

FEW_VALUES = 10


def edges_of(values: Floats) -> Floats:
    """Return ascending bin edges for values without NaN; bin i holds edges[i-1] <= x < edges[i].

    The edges are the deciles. A value that a tenth of the rows hold gets a bin of its own.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= FEW_VALUES:
        return distinct[1:]
    wanted = np.arange(1, 10) / 10 * len(values)
    deciles = distinct[np.searchsorted(np.cumsum(counts), wanted)]
    heavy = np.flatnonzero(counts * 10 >= len(values))
    after = distinct[heavy[heavy + 1 < len(distinct)] + 1]
    edges = np.unique(np.concatenate([deciles, distinct[heavy], after]))
    above: Floats = edges[edges > distinct[0]]
    return above


def counts_of(values: Floats, edges: Floats) -> list[int]:
    """Count values without NaN into the bins of `edges`."""
    bins = np.searchsorted(edges, values, side="right")
    counts: list[int] = np.bincount(bins, minlength=len(edges) + 1).tolist()
    return counts


def sentinels_of(values: Floats) -> list[dict[str, float | int]]:
    """Find sentinel values such as -999: an extreme that at least two rows hold, far from the rest.

    Far means: its gap to the next value is wider than the range of all other values.
    """
    distinct, counts = np.unique(values, return_counts=True)
    found: list[dict[str, float | int]] = []
    if len(distinct) < 3:
        return found
    for extreme, neighbour, far_end in ((0, 1, -1), (-1, -2, 0)):
        gap = abs(distinct[extreme] - distinct[neighbour])
        if counts[extreme] >= 2 and gap > abs(distinct[neighbour] - distinct[far_end]):
            found.append({"value": float(distinct[extreme]), "count": int(counts[extreme])})
    return found


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
    sentinels = sentinels_of(finite)
    rest = finite[~np.isin(finite, [s["value"] for s in sentinels])]
    if not len(rest):
        return {"min": None, "max": None, "mean": None, "std": None, "sentinels": sentinels}
    return {
        "min": float(rest.min()),
        "max": float(rest.max()),
        "mean": float(rest.mean()),
        "std": float(rest.std()),
        "sentinels": sentinels,
    }
