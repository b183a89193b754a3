"""onnxruntime as the server runs it: one thread, telemetry off."""

import os

from ..model.tree import Floats

# Read by onnxruntime when it is imported; later is too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime


class Runtime:
    """A session over the bytes of `model.onnx`."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def run(self, X: Floats, output: str) -> Floats:
        """Return one output by name, for graphs of other makers; any float type in and out."""
        found: Floats = self._session.run([output], {"X": X})[0]
        return found

    def raw(self, X: Floats) -> Floats:
        """Raw scores `[N, K]` of rows `[N, F]` as the model sees them."""
        found: Floats = self._session.run(None, {"X": X})[0]
        return found
