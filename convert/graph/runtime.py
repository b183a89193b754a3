"""onnxruntime with the server's settings: one thread, telemetry off."""

import os

from ..model.tree import Floats

# onnxruntime reads this only at import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime


class Runtime:
    """An onnxruntime session on the bytes of `model.onnx`."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def run(self, X: Floats, output: str) -> Floats:
        """Return one output by name, for graphs made by other exporters; any float type."""
        found: Floats = self._session.run([output], {"X": X})[0]
        return found

    def raw(self, X: Floats) -> Floats:
        """Return raw scores `[N, K]` of rows `[N, F]` as the model sees them."""
        found: Floats = self._session.run(None, {"X": X})[0]
        return found
