"""Requests and answers of ModelInfer as tensors of the Open Inference Protocol, and back."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..oip import tensors
from ..oip.wire import Input, OipError, Parameters, Request, Told, Wanted, check
from ..scoring.lenient import shorten
from .inference_pb2 import InferTensorContents, ModelInferRequest, ModelInferResponse

# The field of InferTensorContents by datatype; FP16 has none and comes raw.
FIELDS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents",
    "INT32": "int_contents", "INT64": "int64_contents", "UINT8": "uint_contents",
    "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip


def request_of(message: ModelInferRequest) -> tuple[Request, bytes]:
    """Return the request and the data of its inputs, as in binary HTTP; raises OipError 400."""
    blobs = contents_of(message)
    inputs = tuple(
        Input(each.name, tuple(each.shape), each.datatype,
              {**parameters_of(each.parameters), "binary_data_size": len(blob)})
        for each, blob in zip(message.inputs, blobs, strict=True)
    )  # fmt: skip
    outputs = tuple(Wanted(each.name) for each in message.outputs)
    request = Request(inputs, message.id or None, {}, outputs)
    check(request)
    return request, blobs[0] if len(blobs) == 1 else b"".join(blobs)


def parameters_of(given: Any) -> Parameters:
    """Return a map of InferParameter as a dict."""
    return {name: getattr(each, each.WhichOneof("parameter_choice") or "bool_param")
            for name, each in given.items()}  # fmt: skip


def contents_of(message: ModelInferRequest) -> Sequence[bytes]:
    """Return the data of each input; raises OipError 400."""
    raw = message.raw_input_contents
    if not raw:
        return [packed(each) for each in message.inputs]
    if len(raw) != len(message.inputs):
        raise OipError(400, f"raw_input_contents: wanted {len(message.inputs)}, one for each "
                       f"input, got {len(raw)}")  # fmt: skip
    for each in message.inputs:
        if each.HasField("contents"):
            raise OipError(400, f"{shorten(each.name)}: wanted contents or raw_input_contents, "
                           "got both")  # fmt: skip
    found: Sequence[bytes] = raw
    return found


def packed(tensor: ModelInferRequest.InferInputTensor) -> bytes:
    """Return typed contents as binary data; raises OipError 400."""
    name, datatype = shorten(tensor.name), tensor.datatype
    field = FIELDS.get(datatype)
    if field is None:
        if datatype in tensors.DTYPES:
            raise OipError(400, f"{name}: {datatype}: wanted raw_input_contents")
        return b""  # refused by its datatype
    check_only(tensor.contents, field, name, datatype)
    values = getattr(tensor.contents, field)
    count = prod(tensor.shape)
    if len(values) != count and min(tensor.shape, default=0) > 0:
        raise OipError(400, f"{name}: wanted {count} values of {datatype}, got {len(values)}")
    if datatype == "BYTES":
        return b"".join(len(text).to_bytes(4, "little") + text for text in values)
    wide = np.array(values, WIDE[field])
    narrow = wide.astype(tensors.DTYPES[datatype])
    if narrow.dtype.kind in "iu" and (wrong := narrow != wide).any():
        raise OipError(400, f"{name}: wanted values of {datatype}, got {wide[wrong][0]}")
    return narrow.tobytes()


def check_only(contents: InferTensorContents, field: str, name: str, datatype: str) -> None:
    """Raise OipError 400 for values in the field of another datatype."""
    for found, _ in contents.ListFields():
        if found.name != field:
            raise OipError(400, f"{name}: {datatype}: wanted {field}, got {found.name}")


# What its values are on the wire.
WIDE = {
    "bool_contents": "?", "int_contents": "i4", "int64_contents": "i8", "uint_contents": "u4",
    "uint64_contents": "u8", "fp32_contents": "f4", "fp64_contents": "f8",
}  # fmt: skip
MOST_HEADS = 64  # of different outputs and numbers of rows


class Answers:
    """Makes the answers of one model; what does not change stands ready."""

    def __init__(self, name: str, version: str) -> None:
        self._name, self._version = name, version
        self._heads: dict[tuple[tuple[str, ...], int], bytes] = {}

    def of(self, request_id: str | None, told: Sequence[Told]) -> bytes:
        """Return the encoded answer, its outputs raw."""
        raw = [tensors.to_binary(each.values, each.datatype) for each in told]
        # Encoded messages one after the other are one message with the fields of both.
        rest = ModelInferResponse(id=request_id or "", raw_output_contents=raw)
        return self._head(told) + encoded(rest)

    def _head(self, told: Sequence[Told]) -> bytes:
        key = tuple(each.name for each in told), told[0].shape[0]
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._encoded(told)
            if len(self._heads) > MOST_HEADS:
                del self._heads[next(iter(self._heads))]
        return head

    def _encoded(self, told: Sequence[Told]) -> bytes:
        outputs = [
            ModelInferResponse.InferOutputTensor(
                name=each.name, datatype=each.datatype, shape=each.shape
            )
            for each in told
        ]
        return encoded(
            ModelInferResponse(model_name=self._name, model_version=self._version, outputs=outputs)
        )


def encoded(message: ModelInferResponse) -> bytes:
    """Return a message's bytes."""
    data: bytes = message.SerializeToString()
    return data
