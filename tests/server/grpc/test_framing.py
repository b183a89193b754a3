"""Messages behind their length, times, and texts in header fields."""

import gzip

import pytest

from server.grpc.framing import MOST_TEXT, escaped, framed, message_of, set_deadline
from server.http.problem import Problem

MOST = 1000


def test_a_framed_message_is_read_again() -> None:
    assert message_of(bytearray(framed(b"abc")), b"identity", MOST) == b"abc"
    packed = framed(gzip.compress(b"abc"))
    assert message_of(bytearray(b"\1" + packed[1:]), b"gzip", MOST) == b"abc"


@pytest.mark.parametrize(
    "data", [b"", b"\0\0", framed(b"abc")[:-1], framed(b"abc") + b"d", b"\2" + framed(b"abc")[1:]]
)
def test_what_is_not_one_message_is_refused(data: bytes) -> None:
    with pytest.raises(Problem, match="call: wanted one whole message, got") as caught:
        message_of(bytearray(data), b"identity", MOST)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("sent", "before", "after"),
    [
        (b"2S", None, b"2000"), (b"100m", None, b"100"), (b"999u", None, b"0"),
        (b"1H", b"50", b"50"), (b"5m", b"50", b"5"), (b"99999999H", b"x", b"359999996400000"),
    ],
)  # fmt: skip
def test_the_sooner_deadline_counts(sent: bytes, before: bytes | None, after: bytes) -> None:
    fields = {b"grpc-timeout": sent}
    if before is not None:
        fields[b"x-request-timeout-ms"] = before
    set_deadline(fields)
    assert fields[b"x-request-timeout-ms"] == after


def test_a_text_is_escaped_and_bounded() -> None:
    assert escaped("50 % größer\n".encode()) == b"50 %25 gr%C3%B6%C3%9Fer%0A"
    long = escaped("ö".encode() * 5000)
    assert MOST_TEXT - 3 < len(long) <= MOST_TEXT
    assert len(long) % 3 == 0
