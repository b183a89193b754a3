"""What the compiled kernel is handed for two small trees."""

from typing import Any

import numpy as np

from server.engine.native import engine

Kernel: Any = engine.Kernel
F = 2
SLOTS = 1 + 3 * F + 1


def i64(*values: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array(values, np.int64)


def arguments() -> dict[str, Any]:
    """Two trees: x0 > 0.5 ? (x1 > 2 ? 4 : 2) : 1, and x0 in {3} ? 8 : 0."""
    return {
        "features": F, "outputs": 1, "slots": SLOTS, "roots": i64(0, 2), "targets": i64(0, 0),
        "slot": i64(1, 2, SLOTS - 1), "threshold": np.array([0.5, 2.0, 0.5]),
        "yes": i64(1, -2, -5), "no": i64(-1, -3, -4), "leaf": np.array([1.0, 4.0, 2.0, 0.0, 8.0]),
        "categories": [
            (0, SLOTS - 1, 1, i64(3), np.array([[0], [1]], np.uint64))
        ],
        "fillers": [(None, np.nan, -1e9, 1e9, False), ({"a": 1.0}, np.nan, -9.0, 9.0, False)],
        "row": np.zeros(F), "raw": np.zeros(1),
    }  # fmt: skip
