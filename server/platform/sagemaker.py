"""SageMaker: a container for real-time inference and batch transform.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..http.accept import MOST_BYTES, Ranges, media_range, media_type
from ..http.fields import VISIBLE, Fields
from ..http.ledger import Ledger
from ..http.message import Answer, Request
from ..http.problem import Headers, Problem
from ..http.services import Services
from ..http.shadow import Shadow
from ..scoring.codec import BY_MEDIA_TYPE
from ..scoring.model import Model
from ..settings import Settings, Told
from . import lines
from .contract import Contract
from .csv_rows import CsvRows
from .forms import nan_as_null
from .translated import JSON_TYPE, Translated

MODEL, PORT = Path("/opt/ml/model"), "SAGEMAKER_BIND_TO_PORT"
CSV = b"text/csv"
LINES = (b"application/jsonlines", b"application/x-jsonlines", b"application/jsonl",
         b"application/x-ndjson")  # fmt: skip
KNOWN = (*BY_MEDIA_TYPE, CSV, *LINES)
WANTED = "text/csv, application/jsonlines, application/json or application/msgpack"
# What a caller of InvokeEndpoint may send along: here it names the record.
ATTRIBUTES, REQUEST_ID = b"x-amzn-sagemaker-custom-attributes", b"x-request-id"
MB = 1024 * 1024


class Invocations(Translated):
    """CSV, JSON Lines, JSON or MessagePack; answered in the same, unless Accept says otherwise."""

    def __init__(
        self, model: Model, services: Services, ledger: Ledger, shadow: Shadow | None = None
    ) -> None:
        super().__init__(model, services, ledger, shadow)
        self._csv = CsvRows(model.manifest.features, self._most)
        self._is_part = os.environ.get("SAGEMAKER_BATCH") == "true"

    def answer(self, request: Request) -> Answer:
        """See endpoint.Handler; CustomAttributes are the request's id where they may be one."""
        given = request.fields.get(ATTRIBUTES, b"")
        if REQUEST_ID not in request.fields and VISIBLE.fullmatch(given):
            fields = {**request.fields, REQUEST_ID: given}
            request = msgspec.structs.replace(request, fields=fields)
        return super().answer(request)

    def refusal(self, problem: Problem, request_id: str, fields: Fields) -> Answer:
        """See endpoint.Handler; CustomAttributes tell the id, as of every answer: SageMaker passes
        on no other header.
        """
        made = super().refusal(problem, request_id, fields)
        if request_id:
            made.head.append((ATTRIBUTES, request_id.encode()))
        return made

    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        kind = media_type(request.fields.get(b"content-type", b""))
        if kind not in KNOWN:
            got = kind.decode("latin-1") or "none"
            raise Problem(415, f"Content-Type: wanted {WANTED}, got {got}")
        out = answer_type(request.fields.get(b"accept", b""), kind)
        accept = out if out in BY_MEDIA_TYPE else JSON_TYPE
        body, head = self._scored(caller, request_id, request, kind, accept)
        head.append((ATTRIBUTES, request_id.encode()))
        if accept is out:
            return body, head
        written = lines.as_csv(body) if out == CSV else lines.as_lines(body)
        return written, [(b"content-type", out) if each[0] == b"content-type" else each
                         for each in head]  # fmt: skip

    def _scored(
        self, caller: str, request_id: str, request: Request, kind: bytes, accept: bytes
    ) -> tuple[bytes, Headers]:
        if kind in {JSON_TYPE, *LINES}:  # SageMaker's serializers write NaN for a missing value
            request = msgspec.structs.replace(request, body=nan_as_null(request.body))
        if kind in BY_MEDIA_TYPE:
            fields = {**request.fields, b"accept": accept}
            request = msgspec.structs.replace(request, fields=fields)
            return self._handle_plain(caller, request_id, request)
        if kind == CSV:
            sent = self._csv.read(request.body, in_order=self._is_part)
        else:
            sent = lines.read(request.body, self._most.applicants)
        return self._score(caller, request_id, request, sent, accept)


def answer_type(accept: bytes, kind: bytes) -> bytes:
    """Return the media type of the answer, that of the body among equals; raises Problem 406 and
    400.
    """
    if len(accept) > MOST_BYTES:
        raise Problem(400, f"Accept: wanted at most {MOST_BYTES} bytes, got {len(accept)}")
    ranges = dict(map(media_range, (accept or b"*/*").split(b",")))
    best = max((kind, *KNOWN), key=lambda name: quality(name, ranges))
    if quality(best, ranges) == 0:
        raise Problem(406, f"Accept: wanted {WANTED}, got {accept.decode('latin-1')}")
    return best


def quality(name: bytes, ranges: Ranges) -> float:
    """Return a media type's quality: the most specific matching range decides."""
    of_kind = name.partition(b"/")[0] + b"/*"
    return next((ranges[each] for each in (name, of_kind, b"*/*") if each in ranges), 0.0)


def documents(settings: Settings) -> dict[str, Any]:
    """Return what batch transform asks before it begins; a transform job's own values win."""
    return {
        "/execution-parameters": {
            "MaxConcurrentTransforms": settings.workers,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": 1,
        }
    }


def contract(environment: Mapping[str, str]) -> Contract:
    """Return what SageMaker expects of a container with this environment.

    A mini-batch of batch transform may hold more rows than a request usually does: 20,000 rows of
    50 bytes are a megabyte.
    """
    told = {"port": Told(environment.get(PORT, "8080"), PORT)}
    if MODEL.is_dir():
        told["model"] = Told(str(MODEL), "SageMaker's folder")
    return Contract(
        defaults={
            "model": str(MODEL),
            "host": "0.0.0.0",  # noqa: S104
            "max_batch": 20_000,
            "max_body": 6 * MB,
        },
        told=told,
        ready=("/ping",),
        documents=documents,
        score={"/invocations": Invocations},
    )
