"""POST /v2/models/{name}[/versions/{version}]/infer over HTTP, on the fast path and by ASGI."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import msgspec

from ..http.compression import glimpse
from ..http.endpoint import Handler
from ..http.fields import DEADLINE, check_deadline, trace_of
from ..http.ledger import Ledger
from ..http.message import NO_SNIFF, NO_STORE
from ..http.message import Request as HttpRequest
from ..http.problem import Headers
from ..http.scoring_handler import TRACE, ScoringHandler
from ..http.services import Services
from ..scoring.catalog import Key
from . import tensors
from .infer import Binary, Infer, Outcomes
from .wire import HEADER_LENGTH, Asked, Output, Request, Response, parse_length, read_request

RAW_FORM = b"0"
# JSON before binary tensors is often the same: its largest size in bytes, and how many are kept.
MOST_BYTES, MOST_KNOWN = 1024, 256
MOST_HEADS = 16
MOST_COPIED = 16 * 1024  # bytes; a view of fewer costs more than a copy
VALUE_BYTES = 16  # between a number in binary and one in JSON


class Prepared(msgspec.Struct, frozen=True):
    """A request, and the outputs it asks for.

    `heads` is the JSON of answers without data in it, by the number of rows and the outputs' sizes.
    """

    request: Request
    asked: list[Asked]
    heads: dict[tuple[int, ...], bytes]


class InferHandler(ScoringHandler):
    """Answers inference requests for one model; belongs to one thread, like the model."""

    endpoint = "infer"

    def __init__(self, infer: Infer, services: Services, name: str, version: str) -> None:
        super().__init__(services, infer.book)
        self._infer, self._name, self._version = infer, name, version
        self._known: dict[bytes, Prepared] = {}

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return how many rows fit into the body, at least 1; see endpoint.Handler."""
        return max(1, glimpse(body, 1)[1] // (VALUE_BYTES * self._infer.width))

    def _handle(self, caller: str, request_id: str, request: HttpRequest) -> tuple[bytes, Headers]:
        fields, body = request.fields, request.body
        if DEADLINE in fields:
            check_deadline(fields, perf_counter() - request.arrived)
        began = perf_counter()
        prepared, binary = self._read(body, fields.get(HEADER_LENGTH))
        outcomes = self._infer.score(prepared.request, binary)
        answer, json_length = self._encode(prepared, outcomes)
        self._scored_in(took := perf_counter() - began)
        self._infer.enter(prepared.request.id or request_id, outcomes, took)
        kind = b"application/json" if json_length is None else b"application/octet-stream"
        head = [(b"content-type", kind), (b"x-request-id", request_id.encode()), NO_STORE, NO_SNIFF]
        if json_length is not None:
            head.append((HEADER_LENGTH, b"%d" % json_length))
        if TRACE in fields and (trace := trace_of(fields)):
            head.append((TRACE, trace))
        return answer, head

    def _read(self, body: bytes, header_length: bytes | None) -> tuple[Prepared, Binary]:
        """Return the request and the bytes of its binary tensors; raises OipError."""
        if header_length == RAW_FORM:
            return self._prepared(self._infer.raw_form(len(body))), body
        length = len(body) if header_length is None else parse_length(header_length, len(body))
        known = self._known.get(text := body[:length])
        if known is None:
            known = self._prepared(read_request(text, None)[0])
            if length <= MOST_BYTES and is_binary(known.request):
                self._learn(text, known)
        is_large = len(body) - length > MOST_COPIED
        return known, memoryview(body)[length:] if is_large else body[length:]

    def _prepared(self, request: Request) -> Prepared:
        return Prepared(request, self._infer.asked(request), {})

    def _learn(self, text: bytes, prepared: Prepared) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[text] = prepared

    def _encode(self, prepared: Prepared, outcomes: Outcomes) -> tuple[bytes, int | None]:
        """Return the answer and, if it has binary tensors, the length of its JSON part."""
        asked, count = prepared.asked, len(outcomes)
        values = [self._infer.values(each.name, outcomes) for each in asked]
        blobs = [
            tensors.to_binary(found, each.datatype)
            for each, found in zip(asked, values, strict=True)
            if each.is_binary
        ]
        sizes = (count, *map(len, blobs))
        if (head := prepared.heads.get(sizes)) is None:
            head = self._head(prepared, count, values, sizes[:0:-1])
            if len(blobs) == len(asked) and len(prepared.heads) < MOST_HEADS:
                prepared.heads[sizes] = head
        return b"".join([head, *blobs]), len(head) if blobs else None

    def _head(
        self, prepared: Prepared, count: int, values: list[list[Any]], sizes: Sequence[int]
    ) -> bytes:
        """Return the answer's JSON; `sizes` are those of the binary outputs, the last first."""
        left = list(sizes)
        outputs = [
            Output(each.name, (count, each.width), each.datatype, {"binary_data_size": left.pop()})
            if each.is_binary
            else Output(each.name, (count, each.width), each.datatype, {}, found)
            for each, found in zip(prepared.asked, values, strict=True)
        ]
        made = Response(self._name, self._version, tuple(outputs), prepared.request.id)
        return msgspec.json.encode(made)


def is_binary(request: Request) -> bool:
    """Whether all data are behind the JSON, so that none are kept with it."""
    return all("binary_data_size" in tensor.parameters for tensor in request.inputs)


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
