"""POST /v2/models/{name}[/versions/{version}]/infer over HTTP, on the fast path and by ASGI."""

from time import perf_counter
from typing import Any

import msgspec

from ..http.endpoint import Handler
from ..http.fields import DEADLINE, check_deadline, check_encoding, trace_of
from ..http.ledger import Ledger
from ..http.message import NO_SNIFF, NO_STORE
from ..http.message import Request as HttpRequest
from ..http.problem import Headers
from ..http.scoring_handler import TRACE, ScoringHandler
from ..http.services import Services
from ..scoring.catalog import Key
from . import tensors
from .infer import Infer
from .wire import HEADER_LENGTH, Output, Parameters, Request, Response, Told, read_request

RAW_FORM = b"0"


class InferHandler(ScoringHandler):
    """Answers inference requests for one model; belongs to one thread, like the model."""

    endpoint = "infer"

    def __init__(self, infer: Infer, services: Services, name: str, version: str) -> None:
        super().__init__(services, infer.book)
        self._infer, self._name, self._version = infer, name, version

    def _handle(self, caller: str, request_id: str, request: HttpRequest) -> tuple[bytes, Headers]:
        fields, body = request.fields, request.body
        check_encoding(fields)
        if DEADLINE in fields:
            check_deadline(fields, perf_counter() - request.arrived)
        began = perf_counter()
        asked, binary = self._read(body, fields.get(HEADER_LENGTH))
        outcomes = self._infer.score(asked, binary)
        answer, json_length = self._encode(asked, self._infer.tell(asked, outcomes))
        self._scored_in(took := perf_counter() - began)
        self._infer.enter(asked.id or request_id, outcomes, took)
        kind = b"application/json" if json_length is None else b"application/octet-stream"
        head = [(b"content-type", kind), (b"x-request-id", request_id.encode()), NO_STORE, NO_SNIFF]
        if json_length is not None:
            head.append((HEADER_LENGTH, b"%d" % json_length))
        if TRACE in fields and (trace := trace_of(fields)):
            head.append((TRACE, trace))
        return answer, head

    def _read(self, body: bytes, header_length: bytes | None) -> tuple[Request, bytes]:
        if header_length == RAW_FORM:
            return self._infer.raw_form(len(body)), body
        return read_request(body, header_length)

    def _encode(self, request: Request, told: list[Told]) -> tuple[bytes, int | None]:
        """Return the answer and, if it has binary tensors, the length of its JSON part."""
        outputs, blobs = [], []
        for each in told:
            parameters: Parameters = {}
            values: Any = each.values
            if each.is_binary:
                blobs.append(tensors.to_binary(each.values, each.datatype))
                parameters, values = {"binary_data_size": len(blobs[-1])}, None
            outputs.append(Output(each.name, each.shape, each.datatype, parameters, values))
        response = Response(self._name, self._version, tuple(outputs), request.id)
        head = msgspec.json.encode(response)
        return b"".join([head, *blobs]), len(head) if blobs else None


def infers(services: Services, ledger: Ledger) -> dict[Key, Infer]:
    """Return the inference of each model of the catalog."""
    most, models = services.settings.max_batch, services.catalog.models
    return {key: Infer(model, ledger, most) for key, model in models.items()}


def handlers(services: Services, found: dict[Key, Infer]) -> dict[str, Handler]:
    """Return the handlers by path."""
    made: dict[str, Handler] = {}
    for (name, version), infer in found.items():
        handler = InferHandler(infer, services, name, version)
        made[f"/v2/models/{name}/versions/{version}/infer"] = handler
        newest = services.catalog.newest(name)
        if newest is not None and newest.manifest.version == version:
            made[f"/v2/models/{name}/infer"] = handler
    return made
