"""Compressed bodies (RFC 9110, 8.4): gzip and deflate, as one stream over the whole body."""

import zlib
from functools import lru_cache

from .fields import Fields, quality_of
from .problem import Headers, Problem

ENCODING, ACCEPT = b"content-encoding", b"accept-encoding"
# zlib's wbits: its largest window, behind gzip's header or its own.
WINDOWS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
EITHER = 47  # the header tells which
# How streams begin; no applicant in JSON or MessagePack does.
MAGIC = frozenset({b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"})
USUAL_RATIO = 8  # of many applicants in JSON
LEAST = 32 * 1024  # bytes of an answer that is compressed
FAST = 1  # of zlib's levels
LONGEST_ACCEPT = 200  # bytes; above that, nothing is compressed


def unpacked(fields: Fields, body: bytes, most: int) -> bytes:
    """Return a body as it was before compression, at most `most` bytes.

    Raises Problem 400 for a stream that is damaged or not the only one, 413, and 415 for another
    coding.
    """
    given = fields[ENCODING].strip().lower()
    name = given.decode("latin-1")
    if given == b"identity":
        return body
    if given not in WINDOWS:
        wanted = [(ACCEPT, b"gzip, deflate")]
        said = f"Content-Encoding: wanted gzip, deflate or none, got {name}"
        raise Problem(415, said, headers=wanted)
    stream = zlib.decompressobj(WINDOWS[given])
    try:
        whole = stream.decompress(body, most + 1)
    except zlib.error as error:
        raise Problem(400, f"Content-Encoding: wanted {name}, got: {error}") from error
    if len(whole) > most:
        raise Problem(413, f"body: wanted at most {most} bytes once decompressed, got more")
    if not stream.eof:
        raise Problem(400, f"Content-Encoding: {name}: the stream is cut off")
    if stream.unused_data:
        raise Problem(400, f"Content-Encoding: {name}: wanted one stream, got bytes after it")
    return whole


def glimpse(body: bytes, count: int) -> tuple[bytes, int]:
    """Return the first `count` bytes of a body that may be compressed, and about how long it is.

    For the queue, before anything is known of the head; b"" if the stream is damaged.
    """
    if body[:2] not in MAGIC:
        return body[:count], len(body)
    try:
        # zlib takes 0 for no bound
        return zlib.decompressobj(EITHER).decompress(body, max(count, 1)), len(body) * USUAL_RATIO
    except zlib.error:
        return b"", len(body)


def packed(fields: Fields, head: Headers, body: bytes) -> bytes:
    """Return the body of an answer, with gzip where it is large and the client takes gzip.

    Adds the field to `head` that says so.
    """
    if len(body) < LEAST or not takes_gzip(fields.get(ACCEPT, b"")):
        return body
    head.append((ENCODING, b"gzip"))
    stream = zlib.compressobj(FAST, wbits=WINDOWS[b"gzip"])
    return stream.compress(body) + stream.flush()


@lru_cache(maxsize=64)
def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding names gzip or *, with a weight above 0."""
    if len(accepted) > LONGEST_ACCEPT:
        return False
    ranges = [part.partition(";") for part in accepted.decode("latin-1").lower().split(",")]
    weights = {name.strip(): quality_of(more) for name, _, more in ranges}
    return weights.get("gzip", weights.get("*", 0.0)) > 0
