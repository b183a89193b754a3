"""From raw scores to predictions and decisions, a column at a time, with the bits of one by one."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..bundle import transform
from ..bundle.applicant import Floats
from ..bundle.manifest import Policy, Transform

Predict = Callable[[Floats], Floats]
Refused = NDArray[np.bool_]


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


def decisions(policy: Policy | None, predictions: Floats, refused: Refused) -> pa.Array:
    """Return the decision of each prediction, null where refused or without a policy."""
    if policy is None:
        return pa.nulls(len(predictions), pa.string())
    refer_from = policy.refuse_at if policy.refer_from is None else policy.refer_from
    steps = (predictions >= refer_from).view(np.int8)
    steps[predictions >= policy.refuse_at] = 2
    return chosen(("approve", "refer", "refuse"), steps, refused)


def same(text: str | None, refused: Refused) -> pa.Array:
    """Return one text on every row that is not refused."""
    return chosen((text,), np.zeros(len(refused), np.int8), refused)


def chosen(words: Sequence[str | None], places: NDArray[np.int8], refused: Refused) -> pa.Array:
    """Return the word at each place, null where refused."""
    return pa.array(words, pa.string()).take(pa.array(places, mask=refused))
