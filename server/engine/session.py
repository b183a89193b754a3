"""The engine that runs model.onnx in onnxruntime, with one input row and one output bound once."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # on by default; read only at import

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from ..bundle.applicant import Floats
from ..bundle.manifest import BundleError

FATAL = 4
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


class Session:
    """See engine.Engine: an onnxruntime session; `row` and `raw` are the bound buffers."""

    name = "onnxruntime"

    def __init__(self, model: Path, width: int, outputs: int, content: bytes | None = None) -> None:
        """Open the file, or its `content` if that was read. Raises BundleError."""
        self._model = model
        self._session = open_session(model, content)
        self._check_shape(model, width, outputs)
        block, scores = np.zeros((1, width)), np.zeros((1, outputs))
        self.row: Floats = block[0]
        self.raw: Floats = scores[0]
        self._binding = self._bind(block, scores)
        self._kept = (block, scores)

    def score(self, values: Sequence[Any]) -> None:
        """See engine.Engine: onnxruntime accepts only numbers."""

    def score_json(self, body: bytes) -> None:
        """See engine.Engine: onnxruntime decodes nothing."""

    def score_msgpack(self, body: bytes) -> None:
        """See engine.Engine: onnxruntime decodes nothing."""

    def block_json(self, body: bytes, most: int) -> None:
        """See engine.Engine: onnxruntime decodes nothing."""

    def block_msgpack(self, body: bytes, most: int) -> None:
        """See engine.Engine: onnxruntime decodes nothing."""

    def bodies_json(self, bodies: list[bytes]) -> None:
        """See engine.Engine: onnxruntime decodes nothing."""

    def bodies_msgpack(self, bodies: list[bytes]) -> None:
        """See engine.Engine: onnxruntime decodes nothing."""

    def score_row(self) -> None:
        """See engine.Engine."""
        self._session.run_with_iobinding(self._binding)

    def score_block(self, rows: Floats) -> Floats:
        """See engine.Engine."""
        raw: Floats = self._session.run(None, {"X": rows})[0]
        return raw

    def try_out(self, rows: Floats) -> None:
        """Score a block and a row before the session is used; raises BundleError."""
        try:
            block = self.score_block(rows)
            self.row[:] = rows[0]
            self.score_row()
        except FAILURES as error:
            raise refused(self._model, error) from error
        if (wanted := (len(rows), len(self.raw))) != block.shape:
            raise BundleError(f"{self._model}: wanted scores {list(wanted)}, got {block.shape}")

    def _bind(self, block: Floats, scores: Floats) -> Any:
        binding = self._session.io_binding()
        for name, bind, array in (
            ("X", binding.bind_input, block),
            ("raw", binding.bind_output, scores),
        ):
            bind(name, "cpu", 0, np.float64, array.shape, array.ctypes.data)
        return binding

    def _check_shape(self, model: Path, width: int, outputs: int) -> None:
        ends = (self._session.get_inputs(), self._session.get_outputs())
        found = [(end.name, end.type, end.shape[1:]) for side in ends for end in side]
        wanted = [("X", "tensor(double)", [width]), ("raw", "tensor(double)", [outputs])]
        if found != wanted:
            raise BundleError(f"{model}: wanted input and output {wanted}, got {found}")


def open_session(model: Path, content: bytes | None = None) -> Any:
    """Load the graph with one intra-op thread: with more, the last bits of a sum may change."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    given = model if content is None else content
    try:
        return ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    except FAILURES as error:
        raise refused(model, error) from error


def refused(model: Path, error: Exception) -> BundleError:
    """Return onnxruntime's message about a graph as one line."""
    said = str(error).strip() or type(error).__name__
    return BundleError(f"{model}: {said.splitlines()[0]}")
