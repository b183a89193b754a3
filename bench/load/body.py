"""Whole HTTP requests over distinct applicants: JSON, MessagePack, Open Inference Protocol."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from ..workload import applicants
from ..workload.applicants import Floats
from ..workload.models import Workload
from ..workload.request import post

Encode = Callable[[Floats], list[bytes]]
BATCH, STEP = 1000, 100  # rows of a batch, and between the beginnings of two


def json_at(path: str) -> Encode:
    """Return an encoder of one JSON object per applicant."""

    return lambda X: json_documents(path, applicants.documents(X))


def json_documents(path: str, documents: Sequence[object], fields: bytes = b"") -> list[bytes]:
    """Return one request per applicant, for models with features of their own too.

    `fields` are header fields beside the usual, each with its line's end.
    """
    bodies = map(msgspec.json.encode, documents)
    return [post(path, b"application/json", each, fields) for each in bodies]


def json_of(rows: Path, fields: bytes = b"") -> list[bytes]:
    """Return one request per row of a Parquet file; `default`, the label, is not sent."""
    table = pq.read_table(rows)
    features = [name for name in table.column_names if name != "default"]
    return json_documents("/score", table.select(features).to_pylist(), fields)


json = json_at("/score")


def json_of_model(workload: Workload) -> Encode:
    """Return the encoder of one JSON object per applicant with a model's own features."""
    return lambda X: json_documents("/score", workload.documents(X))


def timber(X: Floats) -> list[bytes]:
    """One row of numbers a request, null where missing, as Timber takes it."""
    bodies = [msgspec.json.encode({"model": "credit", "inputs": [row]}) for row in nulled(X)]
    return [post("/api/predict", b"application/json", body) for body in bodies]


def nulled(X: Floats) -> list[list[float | None]]:
    """Return rows as JSON has them: null where a number is missing."""
    return [[None if value != value else value for value in row] for row in X.tolist()]


def message_pack(X: Floats) -> list[bytes]:
    """One MessagePack map per applicant."""
    bodies = [msgspec.msgpack.encode(document) for document in applicants.documents(X)]
    return [post("/score", b"application/msgpack", body) for body in bodies]


def oip_binary(path: str) -> Encode:
    """Return an encoder of Open Inference Protocol requests with one binary FP64 tensor."""

    def encode(X: Floats) -> list[bytes]:
        return [oip_request(path, row.astype("<f8").tobytes()) for row in X]

    return encode


def oip_json(path: str) -> Encode:
    """Return an encoder of Open Inference Protocol requests in JSON: null where missing."""

    def encode(X: Floats) -> list[bytes]:
        tensors = [{"name": "X", "shape": [1, len(row)], "datatype": "FP64", "data": row}
                   for row in nulled(X)]  # fmt: skip
        bodies = [msgspec.json.encode({"inputs": [tensor]}) for tensor in tensors]
        return [post(path, b"application/json", body) for body in bodies]

    return encode


def oip_batches(path: str) -> Encode:
    """Return an encoder of the same with BATCH rows; the batches overlap."""

    def encode(X: Floats) -> list[bytes]:
        blocks = (X[start : start + BATCH] for start in range(0, len(X) - BATCH + 1, STEP))
        return [oip_request(path, each.astype("<f8").tobytes(), len(each)) for each in blocks]

    return encode


def oip_request(path: str, row: bytes, count: int = 1) -> bytes:
    """Return one request: the JSON head, then the rows."""
    width = len(row) // struct.calcsize("d") // count
    tensor = {"name": "X", "shape": [count, width], "datatype": "FP64",
              "parameters": {"binary_data_size": len(row)}}  # fmt: skip
    wanted = [{"name": "prediction", "parameters": {"binary_data": True}}]
    head = msgspec.json.encode({"inputs": [tensor], "outputs": wanted})
    extra = b"inference-header-content-length: %d\r\n" % len(head)
    return post(path, b"application/octet-stream", head + row, extra)
