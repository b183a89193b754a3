"""The little HTTP that stands around a score: headers, body, answer. Plain ASGI, no framework."""

import os
import re
from typing import Any

from starlette.types import Receive, Scope, Send

from ..codec import BY_MEDIA_TYPE, Codec
from .problem import Headers, Problem

REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
TRACE = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
DEADLINE = b"x-request-timeout-ms"
Fields = dict[bytes, bytes]


class DisconnectedError(Exception):
    """The client left before its body was whole; nobody is there to be answered."""


def request_id_of(fields: Fields) -> str:
    """Return the client's X-Request-Id, or a new one; raises Problem 400 for an unfit one."""
    given = fields.get(b"x-request-id")
    if given is None:
        return os.urandom(16).hex()
    if not REQUEST_ID.fullmatch(given):
        raise Problem(400, "X-Request-Id: wanted 1 to 128 visible ASCII characters")
    return given.decode("ascii")


def content_codec(fields: Fields) -> Codec:
    """Return the codec of the body; raises Problem 415."""
    given = fields.get(b"content-type", b"")
    codec = BY_MEDIA_TYPE.get(given) or BY_MEDIA_TYPE.get(media_type(given))
    if codec is None:
        got = given.decode("latin-1") or "none"
        wanted = [(b"accept", b", ".join(BY_MEDIA_TYPE))]
        raise Problem(
            415, f"Content-Type: wanted application/json or application/msgpack, got {got}",
            headers=wanted,
        )  # fmt: skip
    return codec


def answer_codec(fields: Fields, default: Codec) -> Codec:
    """Return the codec the client accepts: that of its body unless Accept names another.

    Raises Problem 406 when it accepts neither.
    """
    given = fields.get(b"accept")
    if given is None or given == b"*/*":
        return default
    wanted = [media_type(part) for part in given.split(b",")]
    if default.media_type in wanted:
        return default
    for name in wanted:
        if name in BY_MEDIA_TYPE:
            return BY_MEDIA_TYPE[name]
    if b"*/*" in wanted or b"application/*" in wanted:
        return default
    raise Problem(406, "Accept: wanted application/json or application/msgpack")


def check_deadline(fields: Fields, waited: float) -> None:
    """Raise Problem 504 when the request waited longer, in seconds, than its caller still cares."""
    given = fields.get(DEADLINE)
    if given is None:
        return
    if not given.isdigit():
        raise Problem(400, "X-Request-Timeout-Ms: wanted whole milliseconds")
    if waited * 1000 >= int(given):
        raise Problem(
            504, f"waited {waited * 1000:.1f} ms: longer than X-Request-Timeout-Ms allows"
        )


def trace_of(fields: Fields) -> bytes:
    """Return the W3C traceparent, or nothing where it is absent or malformed."""
    given = fields.get(b"traceparent", b"")
    return given if TRACE.fullmatch(given) else b""


def media_type(value: bytes) -> bytes:
    """Return a media type without its parameters, in lower case."""
    return value.partition(b";")[0].strip().lower()


async def read_body(receive: Receive) -> bytes:
    """Return the whole body; raises DisconnectedError."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body
    parts = []
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise DisconnectedError


async def respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    headers.append((b"content-length", b"%d" % len(body)))
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def fields_of(scope: Scope) -> Fields:
    """Return the header fields by lower-case name; of a repeated one, the last."""
    return dict(scope["headers"])
