"""The line of the prediction log: its keys, in the order of docs/record.md."""

from functools import lru_cache
from time import gmtime, strftime

import msgspec
from msgspec import UNSET, UnsetType

from ..scoring.faults import Fault, UnknownFault

# Every line with its newline is shorter than this, the limit of deploy/shipping.
LINE_BYTES = 8_000_000
# Limit of one applicant's body, and of what is kept of a refused body: text that JSON must escape
# grows sixfold.
APPLICANT_BYTES = 1 << 20
SECONDS = slice(0, 10)  # digits of time_ns until the year 2286
MICROSECONDS = slice(10, 16)
_encode_lines = msgspec.json.Encoder().encode_lines  # one line at a time, with its newline


class Line(msgspec.Struct, frozen=True, gc=False, tag_field="v", tag=1):
    """A scored applicant, `score` or `shadow`. `row` is written in base64."""

    kind: str
    time: str
    request_id: str
    index: int
    model: str
    version: str
    sha256: str
    policy: str | None
    raw: float | list[float]
    prediction: float | list[float]
    decision: str | None
    flags: tuple[str, ...]
    latency_us: float
    row: bytes | UnsetType = UNSET
    row_hash: str | UnsetType = UNSET
    features: msgspec.Raw | UnsetType = UNSET
    reasons: tuple[tuple[str, float], ...] | UnsetType = UNSET
    reasons_version: str | UnsetType = UNSET
    contributions: list[float] | UnsetType = UNSET


class SaidFault(msgspec.Struct, frozen=True, gc=False):
    """What was wrong. `got`, what was sent, is kept only if the settings allow it.

    Otherwise a member that is not a feature of the model has an empty name.
    """

    feature: str
    wanted: str
    index: int | UnsetType = UNSET
    got: str | UnsetType = UNSET


class RefusedLine(msgspec.Struct, frozen=True, gc=False, tag_field="v", tag=1):
    """A request without a score or, with `index`, one applicant of a batch without a score.

    `more_faults` are not listed. Of a long `body`, of `body_bytes` in total, only the beginning is
    kept.
    """

    kind: str
    time: str
    request_id: str
    index: int | UnsetType
    model: str
    version: str
    sha256: str
    policy: str | None
    status: int
    faults: tuple[SaidFault, ...]
    more_faults: int | UnsetType = UNSET
    body: str | UnsetType = UNSET
    body_bytes: int | UnsetType = UNSET


def said(fault: Fault, with_value: bool) -> SaidFault:
    """Return a fault as it is recorded."""
    index = UNSET if fault.index is None else fault.index
    name = "" if isinstance(fault, UnknownFault) and not with_value else fault.feature
    return SaidFault(name, fault.wanted, index, fault.got if with_value else UNSET)


def encode(line: Line | RefusedLine) -> bytes:
    """Return a line with its newline."""
    return _encode_lines([line])  # given anything but a list, msgspec 0.22 leaks the iterator


def timestamp(nanoseconds: int) -> str:
    """Return the UTC time with microseconds, from nanoseconds since 1970."""
    digits = str(nanoseconds)
    return f"{_second(digits[SECONDS])}.{digits[MICROSECONDS]}Z"


@lru_cache(maxsize=2)
def _second(digits: str) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(int(digits)))
