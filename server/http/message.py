"""A whole request and a whole answer, however they travel."""

import msgspec

from .fields import Fields
from .problem import Headers


class Request(msgspec.Struct, frozen=True, gc=False):
    """What was asked; `arrived`, as by perf_counter, is when it was whole and began to wait."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    fields: Fields
    body: bytes
    arrived: float


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What is said, without its content-length; `request_id` is empty where none could be had."""

    request_id: str
    status: int
    head: Headers
    body: bytes
