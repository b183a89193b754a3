"""One record of the prediction log: a line of a segment (docs/record.md)."""

from typing import Literal

import msgspec

from ..errors import MonitoringError

Numbers = float | list[float]
ABSENT = msgspec.Raw(b"")


class DamagedLogError(MonitoringError):
    """A segment holds something other than records and at most one torn last line."""


class Record(msgspec.Struct, gc=False, omit_defaults=True):
    """The keys of a line, in the order in which the server writes them; None if absent."""

    v: Literal[1]
    kind: str
    time: str
    request_id: str = ""
    index: int | None = None
    model: str | None = None
    version: str | None = None
    sha256: str | None = None
    policy: str | None = None
    raw: Numbers | None = None
    prediction: Numbers | None = None
    decision: str | None = None
    flags: list[str] | None = None
    latency_us: float | None = None
    status: int | None = None
    faults: msgspec.Raw = ABSENT
    body: str | None = None
    row: bytes | None = None
    row_hash: str | None = None
    features: msgspec.Raw = ABSENT
    reasons: list[tuple[str, float]] | None = None
    reasons_version: str | None = None
    contributions: list[float] | None = None
    chain: str | None = None


class _Exact(Record, forbid_unknown_fields=True, gc=False):
    """A record without unknown keys: the common case, which decodes fastest."""


_exact = msgspec.json.Decoder(_Exact)
_loose = msgspec.json.Decoder(Record)
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
KNOWN = frozenset(Record.__struct_fields__)


def spelled(request_id: str) -> bytes:
    """Return a request id as it appears in a line: JSON escapes quotes."""
    return msgspec.json.encode(request_id)[1:-1]


def decode(line: bytes) -> Record:
    """Return the record in a line, ignoring unknown keys. Raises msgspec.DecodeError."""
    return _loose.decode(line)


def decode_with_rest(line: bytes) -> tuple[Record, bytes | None]:
    """Return the record, and a JSON object of the unknown keys that a newer server wrote.

    Raises msgspec.DecodeError.
    """
    try:
        return _exact.decode(line), None
    except msgspec.ValidationError:
        record = _loose.decode(line)
    rest = {key: value for key, value in _keys.decode(line).items() if key not in KNOWN}
    return record, msgspec.json.encode(rest) if rest else None
