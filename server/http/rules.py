"""Checks of a head beyond the parser's, before its fields are used."""

from .fields import Fields
from .problem import Headers, Problem

MOST_BYTES = 64 * 1024  # bytes of target, names and values plus four per field; also for trailers
MOST_FIELDS = 128
VERSIONS = ("1.1", "1.0")
CODING = b"transfer-encoding"
# With two values, a proxy in front may use the other one.
SINGLE = frozenset(
    {
        b"authorization", b"content-length", b"content-type", b"expect", b"host",
        b"idempotency-key", b"inference-header-content-length", b"x-api-key", b"x-request-id",
        b"x-request-timeout-ms",
    }
)  # fmt: skip
TOO_LONG = Problem(431, f"head: wanted at most {MOST_BYTES} bytes and {MOST_FIELDS} fields")


def size(name: bytes, value: bytes) -> int:
    """Return a field's share of a head's size."""
    return len(name) + len(value) + 4


def combined(headers: Headers) -> Fields:
    """Return the fields by name; a list sent on several lines is joined (RFC 9110, 5.3).

    Raises Problem 400 if a field that may occur once is repeated.
    """
    fields: Fields = {}
    for name, value in headers:
        if name not in fields:
            fields[name] = value
        elif name in SINGLE:
            raise Problem(400, f"{name.decode('latin-1')}: wanted once, came more often")
        else:
            fields[name] += b", " + value
    return fields


def check(version: str, fields: Fields) -> None:
    """Raise Problem if a request with these fields must be refused."""
    if version not in VERSIONS:
        raise Problem(505, f"wanted HTTP/1.1 or HTTP/1.0, got HTTP/{version}")
    if b"host" not in fields and version == "1.1":
        raise Problem(400, "Host: wanted one, got none")
    if CODING in fields and fields[CODING].strip().lower() != b"chunked":
        got = fields[CODING].decode("latin-1")
        raise Problem(501, f"Transfer-Encoding: wanted chunked or none, got {got}")
