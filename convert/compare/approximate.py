"""Bundles that are not exact, made only on request: differences are counted and recorded."""

import re
from dataclasses import replace

import onnx
from onnx import TensorProto, helper

from ..errors import UnsupportedModelError
from ..graph.runtime import Runtime
from ..model.bits import differs
from ..model.rows import fill_rows
from ..model.tree import Floats
from ..prove.building import Built
from ..prove.verify import Report, batches
from .exporters import onnxmltools_bytes
from .float32 import single_precision

APPROXIMATE = ("float32", "onnxmltools")


def approximated(built: Built, exporter: str) -> Built:
    """Return the model with another exporter's bytes; raises UnsupportedModelError."""
    content = single_precision(built) if exporter == "float32" else _onnxmltools(built)
    return replace(built, content=content, subject=replace(built.subject, runtime=Runtime(content)))


def _onnxmltools(built: Built) -> bytes:
    """Let onnxmltools compute the raw score, as it does for regression, between two casts."""
    if built.model.trees_per_iteration > 1 or built.subject.ensemble.linear is not None:
        raise UnsupportedModelError(
            "--exporter onnxmltools supports one output and no linear trees"
        )
    text = re.sub(r"(?m)^objective=.*$", "objective=regression", built.loaded.text, count=1)
    text = re.sub(r"(?m)^\[objective: .*\]$", "[objective: regression]", text)
    model = onnx.load_from_string(onnxmltools_bytes(text, len(built.features)))
    graph = model.graph
    last = graph.output[0].name
    for node in graph.node:
        node.input[:] = ["X_single" if name == "X" else name for name in node.input]
    first = helper.make_node("Cast", ["X"], ["X_single"], to=TensorProto.FLOAT)
    graph.node.insert(0, first)
    graph.node.append(helper.make_node("Cast", [last], ["raw"], to=TensorProto.DOUBLE))
    graph.input[0].CopyFrom(
        helper.make_tensor_value_info("X", TensorProto.DOUBLE, ["N", len(built.features)])
    )
    graph.output[0].CopyFrom(helper.make_tensor_value_info("raw", TensorProto.DOUBLE, ["N", 1]))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def count_wrong(built: Built, reference: Floats | None, threshold: float | None) -> Report:
    """Compare an approximate model with LightGBM, counting differences instead of raising."""
    report = Report(flips={} if threshold is not None else None)
    for kind, X in batches(built.subject, len(built.model.trees), reference):
        raw = built.subject.runtime.raw(fill_rows(X, built.features))
        report.add(kind, len(X))
        report.mismatches += int(differs(raw, built.subject.oracle.raw(X)).sum())
        if report.flips is not None and threshold is not None:
            found = built.transform.apply(raw)[:, 0] >= threshold
            turned = int((found != (built.subject.oracle.prediction(X)[:, 0] >= threshold)).sum())
            report.flips[kind] = report.flips.get(kind, 0) + turned
    return report
