"""From raw scores to predictions, in float64 with the C library's exp, whose bits LightGBM has."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..bundle.calibrator import Calibrator, curve
from ..bundle.manifest import Transform
from ..errors import MonitoringError

# Transforms that can have a calibrator: whether the answer is of the other class.
COMPLEMENT = {"sigmoid": False, "one_minus_sigmoid": True}
Transformed = npt.NDArray[np.float64]


def exp(x: float) -> float:
    """Return exp(x), or infinity on overflow."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def transform(spec: Transform) -> Callable[[Transformed], Transformed]:
    """Return the transform of raw scores [N, K]. Raises MonitoringError for an unknown name."""
    if spec.calibrator is not None:
        return _calibrated(spec, spec.calibrator)
    if spec.name == "softmax":
        return lambda raw: np.array([softmax(row) for row in (raw / spec.divide_by).tolist()])
    functions: dict[str, Callable[[float], float]] = {
        "identity": float,
        "sigmoid": lambda x: 1.0 / (1.0 + exp(-spec.sigmoid * x)),
        "multi_sigmoid": lambda x: 1.0 / (1.0 + exp(-spec.sigmoid * x)),
        "one_minus_sigmoid": lambda x: 1.0 - 1.0 / (1.0 + exp(-spec.sigmoid * x)),
        "exp": exp,
        "log1p_exp": lambda x: math.log1p(exp(x)),
        "signed_square": lambda x: math.copysign(x * x, x) if x else 0.0,
    }
    if spec.name not in functions:
        raise MonitoringError(f"manifest.json: unknown transform {spec.name!r}")
    function = functions[spec.name]

    def apply(raw: Transformed) -> Transformed:
        scaled = (raw / spec.divide_by).ravel().tolist()
        return np.array([function(x) for x in scaled]).reshape(raw.shape)

    return apply


def _calibrated(spec: Transform, calibrator: Calibrator) -> Callable[[Transformed], Transformed]:
    """Apply the calibrator to the probability or the raw score; take the complement last."""
    if spec.name not in COMPLEMENT:
        raise MonitoringError(f"manifest.json: a calibrator after {spec.name!r}")
    probability = transform(Transform("sigmoid", spec.sigmoid, spec.divide_by))
    of_other = COMPLEMENT[spec.name]
    try:
        drawn = curve(calibrator)
    except ValueError as error:
        raise MonitoringError(f"manifest.json: {error}") from error

    def apply(raw: Transformed) -> Transformed:
        taken = (raw if calibrator.takes == "raw" else probability(raw)).ravel().tolist()
        found = np.array([drawn(x) for x in taken]).reshape(raw.shape)
        return 1.0 - found if of_other else found

    return apply


def softmax(raw: list[float]) -> list[float]:
    """Return the share of each class: subtract the largest, then sum the powers in order."""
    largest = max(raw)
    powers = [exp(x - largest) for x in raw]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]
