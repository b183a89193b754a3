"""POST /v2/models/{name}[/versions/{version}]/infer: score rows, in one tensor or by feature."""

from time import perf_counter
from typing import Any

import msgspec

from ..bundle.applicant import Floats
from ..http.ledger import Ledger
from ..scoring.lenient import shorten
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from . import tensors
from .columns import Columns
from .explained import Explained
from .rows import RowRules
from .wire import Input, OipError, Output, Request, Response, Wanted, is_true, read_request

INPUT = "X"
RAW_FORM = b"0"


class Infer:
    """Inference over one model."""

    def __init__(self, model: Model, ledger: Ledger, max_batch: int) -> None:
        self._model = model
        self._max_batch = max_batch
        self._ledger = ledger
        self._book = ledger.book(model.tag, warns=False)
        self._rules = RowRules(model.manifest)
        self._columns = Columns(model.manifest.features, max_batch)
        self._explained = Explained(model)
        self._width = len(model.manifest.features)

    def metadata(self, versions: list[str]) -> dict[str, Any]:
        """Return the model's metadata."""
        manifest = self._model.manifest
        return {
            "name": manifest.name,
            "versions": versions,
            "platform": "onnx_onnxv1",
            "inputs": [{"name": INPUT, "datatype": "FP64", "shape": [-1, self._width]}],
            "outputs": [
                {"name": name, "datatype": datatype, "shape": [-1, width]}
                for name, (datatype, width) in self._known().items()
            ],
            "parameters": {"inputs_by_feature": self._columns.metadata()},
        }

    def answer(
        self, body: bytes, header_length: bytes | None, request_id: str
    ) -> tuple[bytes, int | None]:
        """Return the answer and, if it has binary tensors, the length of its JSON part.

        Raises OipError, and Problem 503 if its records cannot be written.
        """
        began = perf_counter()
        try:
            request, rows = self._read(body, header_length)
            outcomes = self._outcomes(request, rows)
            answer = self._encode(request, outcomes)
        except OipError as error:
            self._book.refused(request_id, error.status, body)
            self._ledger.write_refusal()
            raise
        took = perf_counter() - began
        for index, said in enumerate(outcomes):
            self._book.scored(request.id or request_id, index, said, took, None)
        self._ledger.write()
        return answer

    def _read(self, body: bytes, header_length: bytes | None) -> tuple[Request, Floats]:
        if header_length == RAW_FORM:
            request, binary = self._raw_form(len(body)), body
        else:
            request, binary = read_request(body, header_length)
        rows, rest = self._rows(request.inputs, binary)
        if rest:
            raise OipError(400, f"{len(rest)} bytes after the last tensor")
        return request, rows

    def _rows(self, inputs: tuple[Input, ...], binary: bytes) -> tuple[Floats, bytes | memoryview]:
        if [tensor.name for tensor in inputs] != [INPUT]:
            return self._columns.read(inputs, binary)
        if inputs[0].shape and inputs[0].shape[0] > self._max_batch:
            raise OipError(413, f"rows: wanted at most {self._max_batch}")
        return tensors.read(inputs[0], binary, self._width)

    def _raw_form(self, size: int) -> Request:
        count, rest = divmod(size, self._width * 8)
        if rest or not count:
            raise OipError(400, f"raw: wanted rows of {self._width * 8} bytes, got {size} bytes")
        shape = (count, self._width)
        return Request((Input(INPUT, shape, "FP64", {"binary_data_size": size}),))

    def _outcomes(self, request: Request, rows: Floats) -> list[Outcome]:
        names = [wanted.name for wanted in request.outputs]
        sent = rows.copy() if names else rows
        rows = self._rules.apply(rows)
        return self._explained.explain(self._model.score_rows(rows), rows, sent, names)

    def _known(self) -> dict[str, tuple[str, int]]:
        """Return {name: (datatype, width)} of all outputs; only some are answered unasked."""
        return self._outputs() | self._explained.outputs()

    def _outputs(self) -> dict[str, tuple[str, int]]:
        width = self._model.manifest.outputs
        outputs = {"raw": ("FP64", width), "prediction": ("FP64", width)}
        return {**outputs, "decision": ("BYTES", 1)} if self._model.decide else outputs

    def _encode(self, request: Request, outcomes: list[Outcome]) -> tuple[bytes, int | None]:
        known, unasked = self._known(), self._outputs()
        everything = is_true(request.parameters, "binary_data_output")
        outputs, blobs = [], []
        for wanted in request.outputs or tuple(Wanted(name) for name in unasked):
            if wanted.name not in known:
                raise OipError(
                    400, f"outputs: no {shorten(wanted.name)}; known: {', '.join(known)}"
                )
            datatype, width = known[wanted.name]
            explains = wanted.name not in unasked
            values = (self._explained.flat if explains else flat)(outcomes, wanted.name)
            shape = (len(outcomes), width)
            if is_true(wanted.parameters, "binary_data") or (
                everything and "binary_data" not in wanted.parameters
            ):
                blobs.append(tensors.to_binary(values, datatype))
                size = {"binary_data_size": len(blobs[-1])}
                outputs.append(Output(wanted.name, shape, datatype, size))
            else:
                outputs.append(Output(wanted.name, shape, datatype, {}, values))
        manifest = self._model.manifest
        response = Response(manifest.name, manifest.version, tuple(outputs), request.id)
        head = msgspec.json.encode(response)
        return b"".join([head, *blobs]), len(head) if blobs else None


def flat(outcomes: list[Outcome], name: str) -> list[Any]:
    """Return one output of all rows as a flat list."""
    found = [getattr(said, name) for said in outcomes]
    return [x for row in found for x in row] if found and isinstance(found[0], list) else found
