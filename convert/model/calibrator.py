"""A calibrator as plain data: a curve that maps the model's score to a calibrated probability.

Each operation is the one scikit-learn performs, in the same order, so that the bits are equal.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .tree import Floats

Takes = Literal["probability", "raw"]
NEARLY_ONE = 1.0 + 1e-5


def exp(value: float) -> float:
    """Return the C library's `exp(value)`, or infinity on overflow."""
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


@dataclass(frozen=True)
class Sigmoid:
    """Platt scaling: `1 / (1 + exp(a * x + b))`."""

    a: float
    b: float

    def of(self, x: float) -> float:
        """Map one number."""
        return 1.0 / (1.0 + exp(self.a * x + self.b))

    @property
    def falls(self) -> bool:
        """Whether a higher score gets a lower probability."""
        return self.a > 0.0

    def values(self) -> dict[str, object]:
        """Return the entry in the manifest."""
        return {"kind": "sigmoid", "a": self.a, "b": self.b}


@dataclass(frozen=True)
class Isotonic:
    """Linear interpolation between the points (`x`, `y`), `x` ascending; constant outside them."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def of(self, x: float) -> float:
        """Map one number as `numpy.interp` does; NaN stays NaN."""
        if x != x:
            return x
        clipped = min(max(x, self.x[0]), self.x[-1])
        at = bisect_right(self.x, clipped) - 1
        if at == len(self.x) - 1 or self.x[at] == clipped:
            return self.y[at]
        slope = (self.y[at + 1] - self.y[at]) / (self.x[at + 1] - self.x[at])
        return slope * (clipped - self.x[at]) + self.y[at]

    @property
    def falls(self) -> bool:
        """Whether a higher score gets a lower probability."""
        return self.y[-1] < self.y[0]

    def values(self) -> dict[str, object]:
        """Return the entry in the manifest."""
        return {"kind": "isotonic", "x": list(self.x), "y": list(self.y)}


@dataclass(frozen=True)
class Calibrator:
    """A curve over the probability or over the raw score, as `takes` says; None if unknown.

    `capped`: values that rounding lifted slightly above 1 become 1, as in CalibratedClassifierCV.
    `classes`: the two classes it was fitted on, the second being the one its probability is of;
    None if the file does not name them.
    """

    curve: Sigmoid | Isotonic
    takes: Takes | None = None
    capped: bool = False
    classes: tuple[str | int | float | bool, ...] | None = None

    def apply(self, raw: Floats, probability: Floats) -> Floats:
        """Map raw scores and probabilities `[N, 1]` to calibrated probabilities `[N, 1]`."""
        given = probability if self.takes == "probability" else raw
        found = np.array([self.curve.of(x) for x in given.ravel().tolist()]).reshape(given.shape)
        return np.where((found > 1.0) & (found <= NEARLY_ONE), 1.0, found) if self.capped else found

    def values(self) -> dict[str, object]:
        """Return the entry in the manifest."""
        return {**self.curve.values(), "takes": self.takes, "capped": self.capped}
