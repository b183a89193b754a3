"""From raw scores to predictions, in float64 and bit for bit as LightGBM does.

monitoring/ reads it through a link: folders share files and no imports.

LightGBM calls the C library's `exp`; so does `math.exp`. numpy's differs in the last bit.
"""

import math
from collections.abc import Callable, Sequence

from . import calibrator as calibrators
from .calibrator import Calibrator, curve
from .manifest import BundleError, Transform

# Transforms that can have a calibrator: whether the answer is of the other class.
COMPLEMENT = {"sigmoid": False, "one_minus_sigmoid": True}
Scalar = Callable[[float], float]
Vector = Callable[[Sequence[float]], list[float]]


def exp(x: float) -> float:
    """C's exp: infinity on overflow instead of an exception."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def softmax(raw: Sequence[float]) -> list[float]:
    """LightGBM's Common::Softmax: subtract the largest, then sum in order."""
    largest = max(raw)
    powers = [exp(x - largest) for x in raw]
    total = 0.0
    for power in powers:
        total += power
    return [power / total for power in powers]


def falls(spec: Transform) -> bool:
    """Whether a higher raw score gets a lower prediction."""
    curve_falls = spec.calibrator is not None and calibrators.falls(spec.calibrator)
    return COMPLEMENT.get(spec.name, False) != curve_falls


def scalar(spec: Transform) -> Scalar:
    """Return the transform of one raw score; raises BundleError for an unknown one."""
    if spec.calibrator is not None:
        return _calibrated(spec, spec.calibrator)
    factor = -spec.sigmoid
    functions: dict[str, Scalar] = {
        "identity": lambda x: x,
        "sigmoid": lambda x: 1.0 / (1.0 + exp(factor * x)),
        "multi_sigmoid": lambda x: 1.0 / (1.0 + exp(factor * x)),
        "one_minus_sigmoid": lambda x: 1.0 - 1.0 / (1.0 + exp(factor * x)),
        "exp": exp,
        "log1p_exp": lambda x: math.log1p(exp(x)),
        "signed_square": lambda x: math.copysign(x * x, x) if x else 0.0,
    }
    if spec.name not in functions:
        raise BundleError(f"manifest.json: unknown transform {spec.name!r}")
    function, divisor = functions[spec.name], spec.divide_by
    return function if divisor == 1 else lambda x: function(x / divisor)


def _calibrated(spec: Transform, calibrator: Calibrator) -> Scalar:
    """Apply the calibrator to the probability or the raw score; take the complement last."""
    if spec.name not in COMPLEMENT:
        raise BundleError(f"manifest.json: a calibrator after {spec.name!r}")
    probability = scalar(Transform("sigmoid", spec.sigmoid, spec.divide_by))
    try:
        drawn = curve(calibrator)
    except ValueError as error:
        raise BundleError(f"manifest.json: {error}") from error
    taken: Scalar = drawn if calibrator.takes == "raw" else lambda x: drawn(probability(x))
    return (lambda x: 1.0 - taken(x)) if COMPLEMENT[spec.name] else taken


def vector(spec: Transform) -> Vector:
    """Return the transform of the K raw scores of one row."""
    if spec.name != "softmax" or spec.calibrator is not None:
        one = scalar(spec)
        return lambda raw: [one(x) for x in raw]
    divisor = spec.divide_by
    return softmax if divisor == 1 else lambda raw: softmax([x / divisor for x in raw])
