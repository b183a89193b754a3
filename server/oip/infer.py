"""Inference: tensors in, outcomes, tensors out, whatever brings the tensors.

Rows come in one tensor or by feature.
"""

from typing import Any

import msgspec

from ..bundle.applicant import Floats
from ..http.ledger import Book, Ledger
from ..scoring.block import Scored
from ..scoring.lenient import shorten
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from . import tensors
from .at_once import AtOnce
from .columns import Columns, Unseen
from .explained import Explained
from .rows import RowRules
from .wire import INPUT, Asked, Input, OipError, Request, Told, Wanted, is_true, is_whole

Outcomes = list[Outcome] | Scored
Binary = bytes | memoryview


class Infer:
    """Inference over one model."""

    def __init__(self, model: Model, ledger: Ledger, max_batch: int) -> None:
        self._model, self.engine = model, model.engine
        self._max_batch = max_batch
        self.book: Book = ledger.book(model.tag, warns=False)
        self._rules = RowRules(model.manifest)
        self._at_once = AtOnce(model.manifest, model.engine.row, max_batch)
        self._columns = Columns(model.manifest.features, max_batch, model.unseen_is_missing)
        self._explained = Explained(model)
        self.width = len(model.manifest.features)
        self._names = {feature.name for feature in model.manifest.features}
        self._unasked = self._outputs()
        self._known = self._unasked | self._explained.outputs()
        self._usual = tuple(Wanted(name) for name in self._unasked)

    def metadata(self, versions: list[str]) -> dict[str, Any]:
        """Return the model's metadata."""
        manifest = self._model.manifest
        return {
            "name": manifest.name,
            "versions": versions,
            "platform": "onnx_onnxv1",
            "inputs": [{"name": INPUT, "datatype": "FP64", "shape": [-1, self.width]}],
            "outputs": [
                {"name": name, "datatype": datatype, "shape": [-1, width]}
                for name, (datatype, width) in self._known.items()
            ],
            "parameters": {"inputs_by_feature": self._columns.metadata()},
        }

    def score(self, request: Request, binary: Binary) -> Outcomes:
        """Return the outcome of each row; `binary` is the data of all binary inputs, in order.

        Raises OipError.
        """
        found = None if self._explains(request) else self._at_once.rows(request, binary)
        if found is not None:
            rows, beyond = found
            if len(rows) == 1:
                return [self._model.score_row(bool(beyond))]
            block = self._model.score_block(rows, beyond)
            return self._model.score_rows(rows, beyond) if block is None else block
        rows, rest, unseen = self._rows(request, binary)
        if rest:
            raise OipError(400, f"{len(rest)} bytes after the last tensor")
        outcomes = self._outcomes(request, rows)
        for row, warnings in unseen.items():
            said = outcomes[row]
            outcomes[row] = msgspec.structs.replace(said, flags=warnings + said.flags)
        return outcomes

    def asked(self, request: Request) -> list[Asked]:
        """Return which outputs the request asks for; raises OipError."""
        known = self._known
        everything = is_true(request.parameters, "binary_data_output")
        asked = []
        for wanted in request.outputs or self._usual:
            if wanted.name not in known:
                raise OipError(
                    400, f"outputs: no {shorten(wanted.name)}; known: {', '.join(known)}"
                )
            is_binary = is_true(wanted.parameters, "binary_data") or (
                everything and "binary_data" not in wanted.parameters
            )
            asked.append(Asked(wanted.name, *known[wanted.name], is_binary))
        return asked

    def values(self, name: str, outcomes: Outcomes) -> list[Any]:
        """Return one output of all rows as a flat list."""
        if isinstance(outcomes, Scored):
            return outcomes.column(name)
        if name not in self._unasked:
            return self._explained.flat(outcomes, name)
        found = [getattr(said, name) for said in outcomes]
        return [x for row in found for x in row] if isinstance(found[0], list) else found

    def tell(self, request: Request, outcomes: Outcomes) -> list[Told]:
        """Return the outputs that the request asks for; raises OipError."""
        count = len(outcomes)
        return [
            Told(each.name, each.datatype, (count, each.width), self.values(each.name, outcomes),
                 each.is_binary)
            for each in self.asked(request)
        ]  # fmt: skip

    def enter(self, request_id: str, outcomes: Outcomes, seconds: float) -> None:
        """Enter the outcomes in the book; the ledger must write it before they are sent."""
        if isinstance(outcomes, Scored):
            self._enter_block(request_id, outcomes, seconds)
            return
        for index, said in enumerate(outcomes):
            self.book.scored(request_id, index, said, seconds, None)

    def _enter_block(self, request_id: str, scored: Scored, seconds: float) -> None:
        """Enter all rows in order: those with warnings one by one, the others in one go."""
        begin, end = 0, len(scored)
        for place in (*sorted(scored.warnings), end):
            part = scored.part(begin, place) if begin < place else None
            if part and not self.book.scored_all(request_id, part, seconds, is_packed=False):
                for each in range(begin, place):
                    self.book.scored(request_id, each, scored.outcome(each), seconds, None)
            if place < end:
                self.book.scored(request_id, place, scored.outcome(place), seconds, None)
            begin = place + 1

    def _explains(self, request: Request) -> bool:
        return any(wanted.name not in self._unasked for wanted in request.outputs)

    def _rows(self, request: Request, binary: Binary) -> tuple[Floats, Binary, Unseen]:
        inputs = request.inputs
        if not is_whole(request, self._names):
            return self._columns.read(request, binary)
        if inputs[0].shape and inputs[0].shape[0] > self._max_batch:
            raise OipError(413, f"rows: wanted at most {self._max_batch}")
        return *tensors.read(inputs[0], binary, self.width), {}

    def raw_form(self, size: int) -> Request:
        """Return the request that `size` bytes of rows alone stand for; raises OipError."""
        count, rest = divmod(size, self.width * 8)
        if rest or not count:
            raise OipError(400, f"raw: wanted rows of {self.width * 8} bytes, got {size} bytes")
        shape = (count, self.width)
        return Request((Input(INPUT, shape, "FP64", {"binary_data_size": size}),))

    def _outcomes(self, request: Request, rows: Floats) -> list[Outcome]:
        names = [wanted.name for wanted in request.outputs]
        sent = rows.copy() if names else rows
        rows = self._rules.apply(rows)
        return self._explained.explain(self._model.score_rows(rows), rows, sent, names)

    def _outputs(self) -> dict[str, tuple[str, int]]:
        """Return {name: (datatype, width)} of the outputs that are answered unasked."""
        width = self._model.manifest.outputs
        outputs = {"raw": ("FP64", width), "prediction": ("FP64", width)}
        return {**outputs, "decision": ("BYTES", 1)} if self._model.decide else outputs
