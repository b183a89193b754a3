"""Other ways to convert to ONNX, for comparison: float32 and onnxmltools."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import lightgbm
import numpy as np
import onnx

from ..errors import UnsupportedModelError
from ..graph.graph import build_graph
from ..graph.runtime import Runtime
from ..model.rows import fill_rows
from ..model.tree import Floats
from ..prove.building import Built
from .float32 import single_precision

Step = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Exported:
    """ONNX bytes, and the three steps from rows `[N, F]` to predictions `[N, K]`."""

    content: bytes
    prepare: Step
    run: Step
    finish: Step

    def predict(self, X: Floats) -> Floats:
        """Return predictions `[N, K]` of rows `[N, F]`."""
        return self.finish(self.run(self.prepare(X)))


def exact(built: Built) -> Exported:
    """Return this project's exact graph, built again."""
    content = build_graph(built.subject.ensemble, len(built.features)).SerializeToString()
    return _ours(built, content)


def float32(built: Built) -> Exported:
    """Return the same trees in float32."""
    return _ours(built, single_precision(built))


def _ours(built: Built, content: bytes) -> Exported:
    def prepare(X: Floats) -> Floats:
        return fill_rows(X, built.features)

    return Exported(content, prepare, Runtime(content).raw, built.transform.apply)


def onnxmltools(built: Built) -> Exported:
    """Return onnxmltools' conversion with its usual options.

    Raises UnsupportedModelError if onnxmltools refuses the model.
    """
    return _theirs(onnxmltools_bytes(built.loaded.text, len(built.features)))


def onnxmltools_bytes(text: str, features: int) -> bytes:
    """Convert a model text with onnxmltools; raises UnsupportedModelError if it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        booster = lightgbm.Booster(model_str=text)
        types = [("X", FloatTensorType([None, features]))]
        try:
            model = convert_lightgbm(booster, initial_types=types, zipmap=False)
        except (RuntimeError, ValueError, KeyError, NotImplementedError, AttributeError) as error:
            reason = str(error).splitlines()[0][:80]
            raise UnsupportedModelError(f"onnxmltools refuses: {reason}") from error
    content: bytes = model.SerializeToString()
    return content


def _theirs(content: bytes) -> Exported:
    """Wrap a graph that gives float32: the positive class, all classes, or a value."""
    runtime = Runtime(content)
    names = [output.name for output in onnx.load_from_string(content).graph.output]
    output = "probabilities" if "probabilities" in names else names[-1]

    def prepare(X: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return X.astype(np.float32)

    def run(X: Floats) -> Floats:
        return runtime.run(X, output)

    def finish(found: Floats) -> Floats:
        two = output == "probabilities" and found.shape[1] == 2
        return np.ascontiguousarray(found[:, 1:] if two else found, dtype=np.float64)

    return Exported(content, prepare, run, finish)


EXPORTERS: dict[str, Callable[[Built], Exported]] = {
    "exact": exact,
    "float32": float32,
    "onnxmltools": onnxmltools,
}
