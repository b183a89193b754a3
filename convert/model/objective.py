"""The model's objective: which kind of prediction it gives, and how from the raw score."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import UnreadableModelError, UnsupportedModelError
from .calibrator import Calibrator, exp
from .tree import Floats, Model

Task = Literal["binary", "multiclass", "regression", "ranking", "raw"]

# LightGBM's name -> (task, transform), with the names that older releases used.
OBJECTIVES: dict[str, tuple[Task, str]] = {
    "binary": ("binary", "sigmoid"),
    "cross_entropy": ("binary", "sigmoid"),
    "xentropy": ("binary", "sigmoid"),
    "cross_entropy_lambda": ("regression", "log1p_exp"),
    "xentlambda": ("regression", "log1p_exp"),
    "multiclass": ("multiclass", "softmax"),
    "multiclassova": ("multiclass", "multi_sigmoid"),
    "regression": ("regression", "identity"),
    "regression_l1": ("regression", "identity"),
    "huber": ("regression", "identity"),
    "fair": ("regression", "identity"),
    "quantile": ("regression", "identity"),
    "mape": ("regression", "identity"),
    "poisson": ("regression", "exp"),
    "gamma": ("regression", "exp"),
    "tweedie": ("regression", "exp"),
    "lambdarank": ("ranking", "identity"),
    "rank_xendcg": ("ranking", "identity"),
    "custom": ("raw", "identity"),
}


@dataclass(frozen=True)
class Transform:
    """From raw score to prediction, in float64: `raw / divide_by`, the function `name`, the
    calibrator.

    `one_minus_sigmoid` is the sigmoid's complement, taken after the calibrator.
    """

    name: str
    sigmoid: float = 1.0
    divide_by: int = 1
    calibrator: Calibrator | None = None

    def apply(self, raw: Floats) -> Floats:
        """Map raw scores `[N, K]` to predictions `[N, K]`, bit for bit as LightGBM does."""
        with np.errstate(all="ignore"):
            scaled = raw / self.divide_by
            if self.calibrator is None:
                return FUNCTIONS[self.name](scaled, self.sigmoid)
            calibrated = self.calibrator.apply(raw, _sigmoid(scaled, self.sigmoid))
            return 1.0 - calibrated if self.name == "one_minus_sigmoid" else calibrated

    def values(self) -> dict[str, object]:
        """Return the entry in the manifest."""
        plain = {"name": self.name, "sigmoid": self.sigmoid, "divide_by": self.divide_by}
        return plain | ({"calibrator": self.calibrator.values()} if self.calibrator else {})


def objective_of(model: Model, iterations: int) -> tuple[Task, Transform]:
    """Return the model's task and its transform, for its first `iterations` rounds.

    Raises UnsupportedModelError for an unknown objective and UnreadableModelError if its parameter
    is not a number.
    """
    name, *words = (model.objective or "custom").split()
    if name not in OBJECTIVES:
        raise UnsupportedModelError(f"objective {name!r}; known are {', '.join(OBJECTIVES)}")
    task, function = OBJECTIVES[name]
    options = dict(word.partition(":")[::2] for word in words)
    if "sqrt" in options:
        function = "signed_square"
    divide_by = iterations if model.average_output else 1
    return task, Transform(function, _sigmoid_of(options), max(divide_by, 1))


def _sigmoid_of(options: dict[str, str]) -> float:
    text = options.get("sigmoid", "1")
    try:
        sigmoid = float(text)
    except ValueError:
        sigmoid = math.nan
    if not math.isfinite(sigmoid):
        raise UnreadableModelError(f"the objective's sigmoid: wanted a number, got {text!r}")
    return sigmoid


def _elementwise(values: Floats) -> Floats:
    """Apply the C library's exp to each value: numpy's own differs in the last bit."""
    return np.array([exp(value) for value in values.ravel().tolist()]).reshape(values.shape)


def _sigmoid(raw: Floats, sigmoid: float) -> Floats:
    result: Floats = 1.0 / (1.0 + _elementwise(-sigmoid * raw))
    return result


def _softmax(raw: Floats, _: float) -> Floats:
    """Sum the exponentials class by class as LightGBM does; numpy would sum pairwise."""
    powers = _elementwise(raw - raw.max(axis=1, keepdims=True))
    total = np.zeros(len(raw))
    for column in powers.T:
        total += column
    result: Floats = powers / total[:, None]
    return result


def _log1p_exp(raw: Floats, _: float) -> Floats:
    values = _elementwise(raw)
    return np.array([math.log1p(value) for value in values.ravel().tolist()]).reshape(raw.shape)


FUNCTIONS: dict[str, Callable[[Floats, float], Floats]] = {
    "identity": lambda raw, _: raw,
    "sigmoid": _sigmoid,
    "one_minus_sigmoid": lambda raw, sigmoid: 1.0 - _sigmoid(raw, sigmoid),
    "multi_sigmoid": _sigmoid,
    "softmax": _softmax,
    "exp": lambda raw, _: _elementwise(raw),
    "log1p_exp": _log1p_exp,
    "signed_square": lambda raw, _: np.sign(raw) * raw * raw,
}
