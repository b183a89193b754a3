"""A graph of a bundle in onnxruntime, as the server runs it."""

import os
from pathlib import Path
from typing import Any

from .manifest import BundleError

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # on by default; read only at import

import onnxruntime as ort

SILENT = 4
# onnxruntime's own exceptions derive directly from Exception.
FAILURES: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        each
        for each in vars(ort.capi.onnxruntime_pybind11_state).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ),
)


def open_session(path: Path, data: bytes) -> Any:
    """Open the content of `path` with one thread: more threads would change the order of sums,
    and so the bits. Raises BundleError.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except FAILURES as error:
        first = str(error).splitlines()[0]
        raise BundleError(f"{path}: onnxruntime cannot load it: {first}") from error
