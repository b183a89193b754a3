"""The end of a call: HTTP's statuses as gRPC's codes, with the same words."""

from hpack import NeverIndexedHeaderTuple

from ..http.message import Answer
from ..http.problem import Headers
from .framing import escaped

OK = 200
# https://grpc.io/docs/guides/status-codes
INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, PERMISSION_DENIED = 3, 4, 5, 7
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 8, 12, 13, 14, 16
CODES = {
    OK: 0, 400: INVALID_ARGUMENT, 401: UNAUTHENTICATED, 403: PERMISSION_DENIED, 404: NOT_FOUND,
    408: DEADLINE_EXCEEDED, 413: RESOURCE_EXHAUSTED, 501: UNIMPLEMENTED, 503: UNAVAILABLE,
    504: DEADLINE_EXCEEDED,
}  # fmt: skip
HEAD = [(b":status", b"200"), (b"content-type", b"application/grpc")]
TOLD = {b"x-request-id", b"traceparent", b"retry-after", b"grpc-accept-encoding"}


def trailers(answer: Answer) -> Headers:
    """Return the last header fields of a call; an answer that is no score has its text as body."""
    code = CODES.get(answer.status, INTERNAL)
    found = [(b"grpc-status", b"%d" % code)]
    if answer.status != OK:
        found.append((b"grpc-message", escaped(answer.body)))
    for name, value in answer.head:
        if name in TOLD:  # each value is sent once: no use in the client's table of fields
            found.append(NeverIndexedHeaderTuple(name, value))
            if name == b"retry-after":
                found.append((b"grpc-retry-pushback-ms", value + b"000"))
    return found
