"""A complete request and a complete answer, independent of transport."""

from typing import Any

import msgspec

from .fields import Fields, trace_of
from .problem import Headers, Problem

# Keys in an ASGI scope: when the request was complete (perf_counter), and its body.
ARRIVED, BODY = "credit.arrived", "credit.body"
NO_STORE = (b"cache-control", b"no-store")
NO_SNIFF = (b"x-content-type-options", b"nosniff")
LENGTH = b"content-length"


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request; `arrived` is when it was complete and began to wait, as perf_counter.

    `terms` are the handler's for these fields, if its head is known; see endpoint.Handler.
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    fields: Fields
    body: bytes
    arrived: float
    terms: Any = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An answer without its content-length; `request_id` is "" if there is none.

    `written`, if there is, stands for head and body: both as HTTP writes them where the connection
    stays open, content-length and all.
    """

    request_id: str
    status: int
    head: Headers
    body: bytes
    written: bytes = b""


def lines(head: Headers) -> bytes:
    """Return header fields as HTTP writes them, without the end of the last line."""
    return b"\r\n".join([b": ".join(field) for field in head])


def refusal(problem: Problem, request_id: str, fields: Fields, is_oip: bool = False) -> Answer:
    """Return a problem as the answer to a request with these header fields."""
    kind, body = problem.rendered(request_id, is_oip)
    head = [(b"content-type", kind), NO_STORE, NO_SNIFF, *problem.headers]
    if request_id:
        head.append((b"x-request-id", request_id.encode()))
    if trace := trace_of(fields):
        head.append((b"traceparent", trace))
    return Answer(request_id, problem.status, head, body)
