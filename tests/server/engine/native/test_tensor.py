"""Tensors read in C: no value that is not plainly fine, no byte outside the rows and the data."""

import struct
from typing import Any

import numpy as np
import pytest

from server.engine.native import tensor
from server.engine.native.powers import powers_of_five
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
NAN, INF = float("nan"), float("inf")
CODES = np.array([0.0, 1.0, 7.0])
NONE = np.zeros(0)
# Missing allowed, cut, codes, stand-in, low, high, zero as missing.
RULES = [
    (True, False, NONE, NAN, -10.0, 10.0, False),
    (False, False, NONE, NAN, -10.0, 10.0, False),
    (True, False, NONE, 3.0, -10.0, 10.0, False),
    (True, True, CODES, NAN, -100.0, 100.0, False),
    (False, False, CODES, NAN, -100.0, 100.0, False),
    (True, False, NONE, NAN, -10.0, 10.0, True),
]
FIT = [1.5, 2.0, -3.0, 7.0, 1.0, 4.0]


def read(kind: str, size: int, is_json: bool, data: bytes, count: int = 1) -> Any:
    """Return (rows, bytes), None where the tensor is left to the long way."""
    rows = np.full((count, len(RULES)), 99.0)
    assert tensor.Tensor is not None
    beyond = tensor.Tensor(RULES, powers_of_five()).read(kind, size, is_json, data, rows)
    return None if beyond is None else (rows.tolist(), beyond)


def binary(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def with_value(place: int, value: float) -> list[float]:
    return [*FIT[:place], value, *FIT[place + 1 :]]


def test_rows_are_read_as_they_were_sent() -> None:
    assert read("f", 8, False, binary(FIT)) == ([FIT], b"")
    assert read("f", 8, False, binary(FIT * 3), 3) == ([FIT] * 3, b"")
    assert read("f", 8, True, b"[1.5,2,-3.0,7,1,4]") == ([FIT], b"")
    assert read("f", 8, True, b" [ [1.5 , 2,-3,7,1,4],[1.5,2,-3,7,1,4]\n] ", 2) == ([FIT] * 2, b"")


@pytest.mark.parametrize(
    ("kind", "size", "code"),
    [("f", 4, "f"), ("i", 1, "b"), ("i", 2, "h"), ("i", 4, "i"), ("i", 8, "q"),
     ("u", 1, "B"), ("u", 2, "H"), ("u", 4, "I"), ("u", 8, "Q")],
)  # fmt: skip
def test_every_type_is_widened(kind: str, size: int, code: str) -> None:
    whole = [1, 2, 3, 7, 1, 4]
    for data, is_json in ((struct.pack(f"<6{code}", *whole), False), (b"[1,2,3,7,1,4]", True)):
        assert read(kind, size, is_json, data) == ([[float(x) for x in whole]], b"")


def test_missing_values_fractions_of_codes_and_zeros_are_as_the_manifest_says() -> None:
    got, _ = read("f", 8, False, binary([NAN, 2.0, NAN, 7.9, 1.0, 0.0]))
    assert repr(got) == repr([[NAN, 2.0, 3.0, 7.0, 1.0, NAN]])
    assert repr(read("f", 8, True, b"[null,2,null,null,1,null]")[0]) == repr(
        [[NAN, 2.0, 3.0, NAN, 1.0, NAN]]
    )


def test_a_row_beyond_the_range_is_marked() -> None:
    far = with_value(0, 11.0)
    assert read("f", 8, False, binary(FIT + far + FIT), 3) == ([FIT, far, FIT], b"\0\1\0")


@pytest.mark.parametrize(
    "values",
    [with_value(0, INF), with_value(2, -INF), with_value(1, NAN), with_value(3, 2.0),
     with_value(3, 8.5), with_value(4, 1.5), with_value(4, NAN), FIT[:-1], [*FIT, 1.0]],
)  # fmt: skip
def test_what_is_not_plainly_fine_is_left_to_the_long_way(values: list[float]) -> None:
    assert read("f", 8, False, binary(values)) is None
    text = str(values).replace("nan", "null").replace("inf", "1e999")
    assert read("f", 8, True, text.encode()) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b"[]", b"null", b"[1.5,2,-3,7,1,4", b"[1.5,2,-3,7,1,4]]", b"[1.5,2,-3,7,1,4],",
     b"[1.5,2,-3,7,1,]", b"[,1.5,2,-3,7,1]", b"[[1.5,2,-3,7],[1,4]]", b"[[1.5,2,-3,7,1,4]",
     b"[1.5,2,-3,7,1,true]", b'[1.5,2,-3,7,1,"4"]', b"[1.5,2,-3,7,1,01]", b"[1.5,2,-3,7,1,nul",
     b"[1.5,2,-3,7,1,-0]", b"[1.5,2,-3,7,1,9007199254740993]", b"[1.5 2,-3,7,1,4]"],
)  # fmt: skip
def test_json_that_is_not_plain_is_left_to_the_long_way(data: bytes) -> None:
    assert read("f", 8, True, data) is None


@pytest.mark.parametrize(
    ("kind", "size", "text"),
    [("i", 1, "128"), ("u", 1, "-1"), ("u", 1, "256"), ("i", 2, "1.5"), ("i", 4, "-0.0"),
     ("i", 8, "9007199254740992"), ("i", 2, "40000")],
)  # fmt: skip
def test_a_number_that_its_type_does_not_hold_is_left_to_the_long_way(
    kind: str, size: int, text: str
) -> None:
    assert read(kind, size, True, f"[1,2,{text},7,1,4]".encode()) is None


def test_integers_that_float64_would_round_are_left_to_the_long_way() -> None:
    for code, value in (("q", 2**53), ("q", -(2**53)), ("Q", 2**53)):
        data = struct.pack(f"<6{code}", 1, 2, value, 7, 1, 4)
        assert read("u" if code == "Q" else "i", 8, False, data) is None


def test_unfit_arguments_are_refused() -> None:
    assert tensor.Tensor is not None
    powers = powers_of_five()
    made, rows = tensor.Tensor(RULES, powers), np.zeros((1, len(RULES)))
    for kind, size in (("f", 2), ("x", 8), ("", 8), ("ff", 8), ("i", 3), ("i", -8)):
        with pytest.raises(ValueError, match="wanted rows"):
            made.read(kind, size, False, binary(FIT), rows)
    for wrong in (np.zeros(0), np.zeros(len(RULES) + 1), np.zeros(len(RULES), np.float32)):
        with pytest.raises(ValueError, match="wanted rows"):
            made.read("f", 8, False, binary(FIT), wrong)
    with pytest.raises(ValueError, match="one per feature"):
        tensor.Tensor([], powers)
    with pytest.raises(ValueError, match="codes of float64"):
        tensor.Tensor([*RULES[:2], (True, True, b"1234567", NAN, 0.0, 1.0, False)], powers)
    with pytest.raises(ValueError, match="powers"):
        tensor.Tensor(RULES, bytes(8))
