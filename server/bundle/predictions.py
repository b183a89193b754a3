"""From raw scores to predictions and decisions, a column at a time, with the bits of one by one."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from . import transform
from .applicant import Floats
from .manifest import Policy, Transform

DECISIONS = ("approve", "refer", "refuse")
Predict = Callable[[Floats], Floats]
Places = npt.NDArray[np.int8]


def exps(x: Floats) -> Floats:
    """Return C's exp of each number: numpy's own differs in the last bit."""
    try:
        return np.fromiter(map(math.exp, x.tolist()), np.float64, len(x))
    except OverflowError:
        return np.fromiter(map(transform.exp, x.tolist()), np.float64, len(x))


def predictor(spec: Transform) -> Predict:
    """Return raw scores [N] -> predictions [N]; raises BundleError for an unknown transform."""
    one = transform.scalar(spec)
    factor, divisor = -spec.sigmoid, spec.divide_by
    columns: dict[str, Predict] = {
        "identity": lambda x: x,
        "sigmoid": lambda x: 1.0 / (1.0 + exps(factor * x)),
        "one_minus_sigmoid": lambda x: 1.0 - 1.0 / (1.0 + exps(factor * x)),
        "exp": exps,
    }
    if spec.calibrator is not None or spec.name not in columns:
        return lambda raw: np.fromiter(map(one, raw.tolist()), np.float64, len(raw))

    def predict(raw: Floats) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):
            return columns[spec.name](raw if divisor == 1 else raw / divisor)

    return predict


def decided(policy: Policy | None, predictions: Floats) -> Places:
    """Return the place of each decision in DECISIONS; 0 everywhere without a policy."""
    if policy is None:
        return np.zeros(len(predictions), np.int8)
    refer_from = policy.refuse_at if policy.refer_from is None else policy.refer_from
    places = (predictions >= refer_from).view(np.int8)
    places[predictions >= policy.refuse_at] = DECISIONS.index("refuse")
    return places
