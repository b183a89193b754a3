"""LightGBM's C API for single rows (LGBM_BoosterPredictForMatSingleRowFast), called through ctypes.

The signatures are from LightGBM's include/LightGBM/c_api.h. LightGBM's Python code is not used.
"""

import ctypes
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NORMAL = 0  # C_API_PREDICT_NORMAL: the probability
FLOAT64 = 1  # C_API_DTYPE_FLOAT64
ALL_ITERATIONS = -1


class CApiError(Exception):
    """The message of LGBM_GetLastError."""


class SingleRowFast:
    """A booster with a row and a result at fixed addresses."""

    def __init__(self, text: Path, width: int) -> None:
        self._library = library()
        booster, iterations = ctypes.c_void_p(), ctypes.c_int()
        self._call(
            "LGBM_BoosterCreateFromModelfile",
            str(text).encode(), ctypes.byref(iterations), ctypes.byref(booster),
        )  # fmt: skip
        self._row = np.zeros(width)
        self._result, self._length = ctypes.c_double(), ctypes.c_int64()
        self._config = ctypes.c_void_p()
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            booster, NORMAL, 0, ALL_ITERATIONS, FLOAT64, ctypes.c_int32(width),
            b"num_threads=1", ctypes.byref(self._config),
        )  # fmt: skip
        self._arguments = (
            self._config, self._row.ctypes.data_as(ctypes.c_void_p),
            ctypes.byref(self._length), ctypes.byref(self._result),
        )  # fmt: skip
        self._predict = self._library.LGBM_BoosterPredictForMatSingleRowFast

    def score(self, row: npt.NDArray[np.float64]) -> float:
        """Return the probability; raises CApiError."""
        self._row[:] = row
        if self._predict(*self._arguments):
            self._fail()
        return self._result.value

    def _call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments):
            self._fail()

    def _fail(self) -> None:
        self._library.LGBM_GetLastError.restype = ctypes.c_char_p
        raise CApiError(self._library.LGBM_GetLastError().decode())


def library() -> ctypes.CDLL:
    """Load lib_lightgbm.so from the installed package; raises CApiError."""
    spec = find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise CApiError("lightgbm is not installed")
    return ctypes.CDLL(str(Path(spec.origin).parent / "lib" / "lib_lightgbm.so"))
