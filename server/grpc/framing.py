"""gRPC's own layer above HTTP/2: messages behind a length, times, and texts in header fields.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import re

from ..http.compression import ENCODING, unpacked
from ..http.fields import DEADLINE, Fields
from ..http.problem import Problem

PREFIX = 5  # bytes before a message: whether it is compressed, and its length
TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
MILLISECONDS = {b"H": 3.6e6, b"M": 6e4, b"S": 1e3, b"m": 1.0, b"u": 1e-3, b"n": 1e-6}
ENCODINGS = (b"identity", b"gzip", b"deflate")
ACCEPTED = (b"grpc-accept-encoding", b",".join(ENCODINGS))
TO_ESCAPE = re.compile(rb"[^ -$&-~]")
# A client refuses more than 8 kB of header fields.
MOST_TEXT = 6000


def too_large(most: int) -> Problem:
    """Return the refusal of a message above the limit."""
    return Problem(413, f"body: wanted at most {most} bytes")


def declared(data: bytearray) -> int:
    """Return the length of a message with its prefix, 0 while the prefix is incomplete."""
    return PREFIX + int.from_bytes(data[1:PREFIX], "big") if len(data) >= PREFIX else 0


def message_of(data: bytearray, encoding: bytes, most: int) -> bytes:
    """Return the one message of a call; raises Problem 400, 413."""
    if not data or len(data) != declared(data) or data[0] > 1:
        raise Problem(400, f"call: wanted one whole message, got {len(data)} bytes")
    message = bytes(memoryview(data)[PREFIX:])
    return unpacked({ENCODING: encoding}, message, most) if data[0] else message


def framed(message: bytes) -> bytes:
    """Return a message behind its prefix, not compressed."""
    return b"\0%b%b" % (len(message).to_bytes(4, "big"), message)


def set_deadline(fields: Fields) -> None:
    """Add the call's deadline as X-Request-Timeout-Ms, unless that is sooner; raises Problem."""
    given = fields.get(b"grpc-timeout")
    if given is None:
        return
    found = TIMEOUT.fullmatch(given)
    if found is None:
        raise Problem(400, "grpc-timeout: wanted at most 8 digits and one of H, M, S, m, u, n")
    allowed = int(int(found[1]) * MILLISECONDS[found[2]])
    own = fields.get(DEADLINE, b"")
    if not own.isdigit() or int(own[:16]) > allowed:
        fields[DEADLINE] = b"%d" % allowed


def escaped(text: bytes) -> bytes:
    """Return a text for grpc-message: visible ASCII as it is, the rest as %XX."""
    whole = TO_ESCAPE.sub(lambda found: b"%%%02X" % found[0][0], text)
    return whole if len(whole) <= MOST_TEXT else cut(whole)


def cut(escaped_text: bytes) -> bytes:
    """Return the beginning, without a part of an escape at its end."""
    return re.sub(rb"%.?\Z", b"", escaped_text[:MOST_TEXT])
