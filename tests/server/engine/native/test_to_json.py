"""MessagePack to JSON in a line of the record: byte for byte msgspec's, or left to it."""

import math
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.engine.native import line as native
from server.record.line_writer import FIRST_DECISION, NUMBER, SPAN
from tests.native_kernel import needs_kernel
from tests.server.engine.native.drawn import numbers

pytestmark = needs_kernel
encode = msgspec.msgpack.encode
LINES = native.lines(b"", b"")


def to_json(body: bytes) -> bytes | None:
    """Return what the line of an applicant holds of its body."""
    assert LINES is not None
    span, number = SPAN(0, len(body)), NUMBER(0.5)
    line = LINES.write_block(
        0, "", 0, 1.0, body, True, span, b"", number, number, FIRST_DECISION, (None,)
    )
    return None if line is None else line.partition(b',"features":')[2][:-2]


plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text("abc é", max_size=300)
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text("aβ-_ ", max_size=40), plain, max_size=40))
def test_plain_members_come_out_as_the_encoder_writes_them(sent: dict[str, Any]) -> None:
    assert to_json(encode(sent)) == msgspec.json.encode(sent)


def test_numbers_come_out_as_the_encoder_writes_them() -> None:
    """Of both widths."""
    done = 0
    for number in numbers():
        for body in (encode({"A": number}), b"\x81\xa1A" + narrow(number)):
            wanted = msgspec.json.encode(msgspec.msgpack.decode(body))
            quick = to_json(body)
            done += quick is not None
            assert quick in {None, wanted}
    assert done > 150_000


@pytest.mark.parametrize("value", [None, False, True, 0, -1.5, ""])
def test_the_text_of_the_shortest_values_has_room(value: Any) -> None:
    sent = {chr(97 + i % 26) * (i // 26): value for i in range(300)}
    assert to_json(encode(sent)) == msgspec.json.encode(sent)


def narrow(number: float) -> bytes:
    """Return a number as MessagePack's float32; NaN where it has none."""
    try:
        return struct.pack(">Bf", 0xCA, number)
    except OverflowError:
        return struct.pack(">Bf", 0xCA, math.nan)


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), math.nan, math.inf, [True], {"B": 1}, b"bytes", 'a"b', "a\\b",
              "a\nb", "a" * 70_000, 1e-300],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_msgspec(value: Any) -> None:
    assert to_json(encode({"A": value})) is None


@pytest.mark.parametrize(
    "body", [b"\xc0", encode([1]), encode({1: 2}), encode({'"': 2}), b"\x81\xa1A\x01\x00",
             b"\xde\x00", b"\xdf\x00\x00\x00\x01\xa1A\x01"],
)  # fmt: skip
def test_what_is_no_map_of_names_is_left_to_msgspec(body: bytes) -> None:
    assert to_json(body) is None


def test_a_body_cut_anywhere_is_left_to_msgspec() -> None:
    sent = {"A": 1.5, "B": 300, "C": None, "D": "text", "E" * 40: -7, "F": 2**40, "G": "x" * 300}
    body = encode(sent)
    assert to_json(body) == msgspec.json.encode(sent)
    for length in range(1, len(body)):
        assert to_json(bytes(bytearray(body[:length]))) is None
