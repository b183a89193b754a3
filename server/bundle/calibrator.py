"""Calibrators, read as data from the manifest: from a score to a calibrated probability.

monitoring/ reads it through a link: folders share files and no imports. Every operation is one of
scikit-learn's, in its order, so that the bits are equal.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Literal

import msgspec

NEARLY_ONE = 1.0 + 1e-5


class Sigmoid(msgspec.Struct, frozen=True, tag_field="kind", tag="sigmoid"):
    """Platt scaling, `1 / (1 + exp(a * x + b))`, of the probability or the raw score."""

    a: float
    b: float
    takes: Literal["probability", "raw"] = "probability"
    capped: bool = False


class Isotonic(msgspec.Struct, frozen=True, tag_field="kind", tag="isotonic"):
    """Linear interpolation between the points (`x`, `y`), `x` ascending; constant outside them."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    takes: Literal["probability", "raw"] = "probability"
    capped: bool = False


Calibrator = Sigmoid | Isotonic


def falls(spec: Calibrator) -> bool:
    """Whether a higher score gets a lower probability."""
    return spec.a > 0 if isinstance(spec, Sigmoid) else spec.y[-1] < spec.y[0]


def curve(spec: Calibrator) -> Callable[[float], float]:
    """Return the curve as a function; raises ValueError if its points are inconsistent."""
    drawn = _sigmoid(spec) if isinstance(spec, Sigmoid) else _isotonic(spec)
    if not spec.capped:
        return drawn

    def capped(x: float) -> float:
        p = drawn(x)
        return 1.0 if 1.0 < p <= NEARLY_ONE else p

    return capped


def _sigmoid(spec: Sigmoid) -> Callable[[float], float]:
    a, b, e = spec.a, spec.b, math.exp

    def drawn(x: float) -> float:
        try:
            return 1.0 / (1.0 + e(a * x + b))
        except OverflowError:
            return 0.0

    return drawn


def _isotonic(spec: Isotonic) -> Callable[[float], float]:
    xs, ys = spec.x, spec.y
    last = len(xs) - 1
    if last < 0 or len(ys) != len(xs) or any(xs[i] >= xs[i + 1] for i in range(last)):
        raise ValueError("calibrator: as many heights as knots wanted, and knots that ascend")

    def drawn(x: float) -> float:
        if x != x:
            return x
        x = min(max(x, xs[0]), xs[last])
        at = bisect_right(xs, x) - 1
        if at == last or xs[at] == x:
            return ys[at]
        slope = (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at])
        return slope * (x - xs[at]) + ys[at]

    return drawn
