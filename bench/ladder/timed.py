"""What is timed: a function over one row, and what its rows are."""

import math

import numpy as np
import numpy.typing as npt

Timed = tuple[list[int], list[float]]  # nanoseconds and score per row

Floats = npt.NDArray[np.float64]


def sigmoid(raw: float) -> float:
    """LightGBM's transform of a binary raw score."""
    return 1.0 / (1.0 + math.exp(-raw))
