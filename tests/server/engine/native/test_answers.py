"""Answers of a block as C writes them: byte for byte msgspec's, or left to it."""

from typing import Any

import msgspec
import numpy as np
import pytest

from server.engine.native.answers import write_answers
from server.engine.native.powers import powers_of_five
from tests.native_kernel import needs_kernel
from tests.server.engine.native.drawn import numbers

pytestmark = needs_kernel
HEADS = {True: b'{"p":', False: b"\x82\xa1p"}
TAILS = {True: (b',"d":"yes"}', b',"d":"no"}'), False: (b"\xa1d\xa3yes", b"\xa1d\xa2no")}
ENCODE: dict[bool, Any] = {True: msgspec.json.encode, False: msgspec.msgpack.encode}
BOTH = pytest.mark.parametrize("is_json", [True, False], ids=["JSON", "MessagePack"])


def written(is_json: bool, found: Any, chosen: Any) -> bytes | None:
    mark = b"," if is_json else b""
    columns = np.array(found, np.float64), np.array(chosen, np.int8)
    parts = write_answers(
        None, (HEADS[is_json], b""), [""] * len(chosen), TAILS[is_json], is_json, *columns
    )
    return None if parts is None else mark.join(parts)


@BOTH
def test_answers_are_the_encoders_bytes(is_json: bool) -> None:
    left = 0
    for i in range(0, 20_000, 7):
        found = numbers()[i : i + 7] if i < 70 else [1 / (i + 1 + j) for j in range(7)]
        chosen = [j % 2 for j in range(len(found))]
        wanted = (b"," if is_json else b"").join(
            ENCODE[is_json]({"p": x, "d": ("yes", "no")[place]})
            for x, place in zip(found, chosen, strict=True)
        )
        got = written(is_json, found, chosen)
        left += got is None
        assert got in {None, wanted}
    assert left < 20


def test_a_number_that_json_does_not_know_is_left() -> None:
    for odd in (float("nan"), float("inf"), 1e-300):
        assert written(True, [0.5, odd], [0, 0]) is None


def test_messagepack_holds_every_number() -> None:
    found = [float("nan"), float("-inf"), 1e-300, -0.0]
    assert written(False, found, [0] * 4) == b"".join(
        msgspec.msgpack.encode({"p": x, "d": "yes"}) for x in found
    )


def test_no_answers_are_no_bytes() -> None:
    assert written(True, [], []) == b""


@pytest.mark.parametrize("chosen", [[0, 2], [0, -1]])
def test_a_tail_that_is_not_there_is_an_error(chosen: list[int]) -> None:
    with pytest.raises(IndexError):
        written(True, [0.5, 0.5], chosen)


@pytest.mark.parametrize(
    ("odd", "error"),
    [({5: "json"}, None), ({6: np.zeros(3)}, ValueError), ({7: np.zeros(3, np.int8)}, ValueError),
     ({1: "text"}, TypeError), ({4: [b"x"]}, TypeError), ({4: ("x",)}, TypeError),
     ({6: np.frombuffer(bytes(17), np.uint8)[1:]}, ValueError), ({8: b"short"}, ValueError)],
)  # fmt: skip
def test_what_does_not_fit_is_an_error(odd: dict[int, Any], error: type[Exception] | None) -> None:
    from server.engine.native._kernel import write_answers as plain

    given: list[Any] = [None, b"{", b"", ["", ""], (b"}",), True, np.zeros(2), np.zeros(2, np.int8)]
    given.append(powers_of_five())
    for place, value in odd.items():
        given[place] = value
    if error is None:
        assert plain(*given) == [b"{0.0}"] * 2
        return
    with pytest.raises(error):
        plain(*given)


SHARED = ((b"id: ", b"\r\nlength: "), (b'{"id":"', b'","p":'))


def each_written(ids: Any, found: Any, chosen: Any, shared: Any = SHARED) -> Any:
    columns = np.array(found, np.float64), np.array(chosen, np.int8)
    head, body = shared
    return write_answers(head, body, ids, TAILS[True], True, *columns)


def test_each_answer_has_its_id_and_its_length_in_the_head() -> None:
    found = [1 / (i + 3) for i in range(41)]
    ids = [f"{i:x}" * (i % 3) for i in range(41)]
    written = each_written(ids, found, [i % 2 for i in range(41)])
    wanted = []
    for i, (name, x) in enumerate(zip(ids, found, strict=True)):
        body = msgspec.json.encode({"id": name, "p": x, "d": ("yes", "no")[i % 2]})
        wanted.append(b"id: %b\r\nlength: %d\r\n\r\n%b" % (name.encode(), len(body), body))
    assert written == wanted
    assert each_written(ids[:2], [0.5, float("nan")], [0, 0]) is None
    assert each_written([], [], []) == []


@pytest.mark.parametrize(
    ("odd", "error"),
    [({"ids": ["a"]}, ValueError), ({"ids": ("a", "b")}, TypeError), ({"ids": ["a", 1]}, TypeError),
     ({"ids": ["a", "\ud800"]}, UnicodeEncodeError), ({"chosen": [0, 2]}, IndexError),
     ({"chosen": [0]}, ValueError), ({"ids": None}, TypeError),
     ({"shared": ((b"id: ",), SHARED[1])}, TypeError),
     ({"shared": ((b"", ""), SHARED[1])}, TypeError),
     ({"shared": (SHARED[0], (b"", "p"))}, TypeError), ({"shared": (b"id", SHARED[1])}, TypeError)],
)  # fmt: skip
def test_what_does_not_fit_the_answers_is_an_error(
    odd: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        each_written(**({"ids": ["a", "b"], "found": [0.5, 0.5], "chosen": [0, 0]} | odd))
