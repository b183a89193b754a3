"""The small part of HTTP around a score: header fields, body, answer. Plain ASGI, no framework."""

import re
from functools import lru_cache
from itertools import product
from typing import Any

from starlette.types import Scope, Send

from ..scoring.codec import BY_MEDIA_TYPE, Codec
from ..settings import Reasons as Wanted
from .accept import media_type, negotiate
from .new_id import new_id
from .problem import Headers, Problem

VISIBLE = re.compile(rb"[\x21-\x7e]{1,128}")
# W3C Trace Context: no version ff, no id of zeros only.
TRACE = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)  # fmt: skip
DEADLINE = b"x-request-timeout-ms"
MILLISECONDS = re.compile(rb"[0-9]{1,15}")
# What curl sends by default.
FROM_CURL = dict.fromkeys(
    ("none", "application/x-www-form-urlencoded"),
    "; with curl: -H 'Content-Type: application/json'",
)
PARTIAL = {b"": False, b"partial=false": False, b"partial=true": True}
REASONS: dict[bytes, Wanted | None] = {
    b"": None, b"reasons=none": "none", b"reasons=principal": "principal", b"reasons=all": "all",
}  # fmt: skip
QUERIES = {
    b"&".join(filter(None, parts)): (PARTIAL[partial], REASONS[reasons])
    for partial, reasons in product(PARTIAL, REASONS)
    for parts in ((partial, reasons), (reasons, partial))
}
QUALITY = re.compile(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)")
Fields = dict[bytes, bytes]


def request_id_of(fields: Fields) -> str:
    """Return the client's X-Request-Id, or a new one; raises Problem 400 for an invalid one."""
    given = fields.get(b"x-request-id")
    if given is None:
        return new_id()
    if not VISIBLE.fullmatch(given):
        raise Problem(400, "X-Request-Id: wanted 1 to 128 visible ASCII characters")
    return given.decode("ascii")


def id_or_none(fields: Fields) -> str:
    """Return the request's id for a refusal; "" if the client's is invalid."""
    try:
        return request_id_of(fields)
    except Problem:
        return ""


def idempotency_key_of(fields: Fields) -> str:
    """Return the client's Idempotency-Key; raises Problem 400 for an invalid one."""
    given = fields[b"idempotency-key"]
    if not VISIBLE.fullmatch(given):
        raise Problem(400, "Idempotency-Key: wanted 1 to 128 visible ASCII characters")
    return given.decode("ascii")


def asked(query: bytes) -> tuple[bool, Wanted | None]:
    """Return whether a batch may be answered in part, and which reasons the client wants.

    Raises Problem 400 for any other query.
    """
    found = QUERIES.get(query)
    if found is None:
        got = query.decode("latin-1")
        wanted = "partial=true|false and reasons=none|principal|all"
        raise Problem(400, f"query: wanted none, or {wanted}, got {got}")
    return found


@lru_cache(maxsize=256)
def language_of(accepted: bytes, languages: tuple[str, ...]) -> str:
    """Return the language of `languages` that Accept-Language prefers; the first if none is there.

    `de-CH` is satisfied by `de` (RFC 4647, lookup). What is malformed is skipped.
    """
    ranges = [part.partition(";") for part in accepted.decode("latin-1").lower().split(",")]
    ordered = sorted(ranges, key=lambda each: -quality_of(each[2]))
    known = {language.lower(): language for language in languages}
    for name, _, more in ordered:
        tag = name.strip()
        while tag and quality_of(more) > 0:
            if tag in known:
                return known[tag]
            tag = tag.rpartition("-")[0]
    return languages[0]


def quality_of(parameter: str) -> float:
    """Return the weight of a range, 1 if it has none, 0 if it is malformed."""
    given = parameter.replace(" ", "")
    if not given:
        return 1.0
    return float(given[2:]) if QUALITY.fullmatch(given) else 0.0


def content_codec(fields: Fields) -> Codec:
    """Return the codec of the body; raises Problem 415."""
    given = fields.get(b"content-type", b"")
    codec = BY_MEDIA_TYPE.get(given) or BY_MEDIA_TYPE.get(media_type(given))
    if codec is None:
        got = given.decode("latin-1") or "none"
        wanted = [(b"accept", b", ".join(BY_MEDIA_TYPE))]
        said = f"Content-Type: wanted application/json or application/msgpack, got {got}"
        raise Problem(415, said + FROM_CURL.get(got, ""), headers=wanted)
    return codec


def answer_codec(fields: Fields, default: Codec) -> Codec:
    """Return the codec the client prefers; `default`, that of its body, among equals.

    Raises Problem 406 if it accepts neither, and 400 if Accept is malformed.
    """
    given = fields.get(b"accept")
    if not given or given == b"*/*":
        return default
    return negotiate(given, default.media_type)


def check_deadline(fields: Fields, waited: float) -> None:
    """Raise Problem 504 if the request waited longer, in seconds, than its client allows."""
    given = fields.get(DEADLINE)
    if given is None:
        return
    if not MILLISECONDS.fullmatch(given):
        raise Problem(400, "X-Request-Timeout-Ms: wanted whole milliseconds, at most 15 digits")
    if waited * 1000 >= int(given):
        raise Problem(
            504, f"waited {waited * 1000:.1f} ms: longer than X-Request-Timeout-Ms allows"
        )


def trace_of(fields: Fields) -> bytes:
    """Return the W3C traceparent; b"" if it is missing or malformed."""
    given = fields.get(b"traceparent", b"")
    return given if TRACE.fullmatch(given) else b""


async def respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a complete answer."""
    headers.append((b"content-length", b"%d" % len(body)))
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def fields_of(scope: Scope) -> Fields:
    """Return the header fields by lower-case name; the last one if repeated."""
    return dict(scope["headers"])
