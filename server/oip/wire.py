"""The Open Inference Protocol v2 on the wire: requests and responses, JSON and binary tensors."""

import re
from collections.abc import Collection
from typing import Any

import msgspec

from ..http.problem import Problem
from .bare_nan import InfiniteError, nan_as_null

CONTENT_TYPE = "content_type"  # MLServer's
INPUT = "X"  # the one tensor of all features
HEADER_LENGTH = b"inference-header-content-length"
LENGTH = re.compile(rb"[0-9]{1,15}")
ID = re.compile(r"[!-~]{0,128}")  # like X-Request-Id; empty means none
Parameters = dict[str, Any]


class OipError(Problem):
    """A refused request under /v2, with its status."""


class Input(msgspec.Struct, frozen=True):
    """A tensor of the request; its data are in `data` or after the JSON."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: Parameters = {}
    data: msgspec.Raw = msgspec.Raw(b"null")


class Wanted(msgspec.Struct, frozen=True):
    """A requested output tensor."""

    name: str
    parameters: Parameters = {}


class Request(msgspec.Struct, frozen=True):
    """The JSON of POST …/infer."""

    inputs: tuple[Input, ...]
    id: str | None = None
    parameters: Parameters = {}
    outputs: tuple[Wanted, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """An output that a request asks for; `width` values for each row."""

    name: str
    datatype: str
    width: int
    is_binary: bool


class Told(msgspec.Struct, frozen=True):
    """An output before it is encoded; `values` are flat."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any]
    is_binary: bool


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tensor of the response."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: Parameters = {}
    data: Any = None


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON of an answer."""

    model_name: str
    model_version: str
    outputs: tuple[Output, ...]
    id: str | None = None


def read_request(body: bytes, header_length: bytes | None) -> tuple[Request, bytes]:
    """Return the request and the bytes of its binary tensors; raises OipError 400."""
    length = len(body) if header_length is None else parse_length(header_length, len(body))
    try:
        request = decode(body[:length])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InfiniteError) as error:
        raise OipError(400, f"not an inference request: {error}") from error
    check(request)
    return request, body[length:]


def decode(text: bytes) -> Request:
    """Decode the JSON part; only if it is not JSON, look for NaN in it."""
    try:
        return msgspec.json.decode(text, type=Request)
    except msgspec.DecodeError:
        replaced = nan_as_null(text)
        if replaced is text:
            raise
        return msgspec.json.decode(replaced, type=Request)


def check(request: Request) -> None:
    """Raise OipError 400 for outputs requested twice and ids that are too long."""
    if request.id is not None and not ID.fullmatch(request.id):
        raise OipError(400, "id: wanted 1 to 128 visible ASCII characters")
    if len({output.name for output in request.outputs}) < len(request.outputs):
        raise OipError(400, "outputs: wanted each once")


def parse_length(value: bytes, size: int) -> int:
    """Return the length of the body's JSON part; raises OipError 400."""
    if not LENGTH.fullmatch(value) or int(value) > size:
        got = value[:20].decode("latin-1")
        raise OipError(400, f"Inference-Header-Content-Length: wanted 0 to {size}, got {got}")
    return int(value)


def is_whole(request: Request, features: Collection[str]) -> bool:
    """Whether the input is one tensor of all features: named X, or an array as MLServer's numpy
    codec sends it, whose name says nothing.
    """
    if len(request.inputs) != 1:
        return False
    (tensor,) = request.inputs
    kinds = (tensor.parameters.get(CONTENT_TYPE), request.parameters.get(CONTENT_TYPE))
    return tensor.name == INPUT or (tensor.name not in features and "np" in kinds)


def is_true(parameters: Parameters, name: str) -> bool:
    """Return a boolean parameter, false by default; raises OipError 400."""
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise OipError(400, f"parameter {name}: wanted true or false")
    return value
