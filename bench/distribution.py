"""A distribution of latencies, and medians over rounds with their spread."""

import statistics
from collections.abc import Iterable, Sequence

import numpy as np

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
# Below this many samples above it, a quantile is one or two outliers and not shown.
BEHIND = 10


def quantiles(samples: Sequence[float], unit: str) -> dict[str, float | int | None]:
    """Return `<quantile>_<unit>` of samples in that unit, and their number.

    A quantile with fewer than ten samples above it is None: it was not really measured.
    """
    found: dict[str, float | int | None] = {"samples": len(samples)}
    for name, share in QUANTILES.items():
        known = len(samples) * (1 - share) >= BEHIND - 1e-9
        value = float(np.quantile(samples, share, method="higher")) if known else None
        found[f"{name}_{unit}"] = None if value is None else round(value, 2)
    return found


def median(values: Iterable[float | None]) -> float | None:
    """Return the median over rounds, or None if one of them has no value.

    The median of the other rounds alone could put a p99 below a p90.
    """
    known = list(values)
    if not known or None in known:
        return None
    return round(statistics.median(value for value in known if value is not None), 2)


def spread(values: Sequence[float]) -> float:
    """Return (largest - smallest) / median over rounds: 0.1 is ten percent."""
    middle = statistics.median(values)
    return round((max(values) - min(values)) / middle, 3) if middle else 0.0
