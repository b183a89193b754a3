"""Faults are found in one pass over what was sent: the work is counted, not timed."""

import sys
from collections import Counter
from typing import Any

import msgspec
import pytest

from server.bundle.manifest import Category, Feature, Missing, Number
from server.scoring.codec import JSON, MESSAGE_PACK, Codec
from server.scoring.faults import NOTHING, Rules
from server.scoring.lenient import members
from server.scoring.rule import Rule

YES, NO = Missing(True, "trained"), Missing(False, "error")
FEATURES: tuple[Feature, ...] = (
    Number("AGE", NO), Number("INCOME", YES), Category("KIND", YES, ("car", "boat"), (0.0, 1.0)),
)  # fmt: skip
MANY = 4000
NUMBERED = {
    "all different": [*range(MANY)],
    "each twice": [i // 2 for i in range(MANY)],
    "each twice, in halves": [*range(MANY // 2)] * 2,
    "all the same": [0] * MANY,
    "half of them the same": [max(0, i - MANY // 2) for i in range(MANY)],
    "ten, again and again": [i % 10 for i in range(MANY)],
}


class Name(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("kind", NUMBERED)
def test_names_are_compared_a_few_times_each_however_often_they_stand_there(kind: str) -> None:
    found: list[tuple[Any, Any]] = [(Name(f"n{i}"), i) for i in NUMBERED[kind]]
    value = members(found)
    repeated = getattr(value, "repeated", [])
    assert Name.compared < 4 * MANY
    Name.compared = 0
    wanted = [name for name, count in Counter(str(n) for n, _ in found).items() if count > 1]
    assert [*map(str, repeated)] == wanted


def test_a_value_is_not_compared_with_every_category() -> None:
    known = tuple(Name(f"category {i}") for i in range(MANY))
    rule = Rule(Category("KIND", YES, known, tuple(map(float, range(MANY)))))
    Name.compared = 0
    assert rule.fits(Name(f"category {MANY - 1}"))
    assert not rule.fits(Name("none"))
    assert not rule.fits(1)
    assert Name.compared < 10


def calls(codec: Codec, body: bytes) -> int:
    """Return how many functions are called for the faults of a body."""
    rules, count = Rules(FEATURES), 0

    def look(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(look)
    try:
        rules.faults(codec.parse(body, rules.most_members), 0)
    finally:
        sys.setprofile(None)
    return count


def body_of(codec: Codec, kind: str, times: int) -> bytes:
    encode = msgspec.json.encode if codec is JSON else msgspec.msgpack.encode
    found = [(f"n{i}", i) for i in NUMBERED[kind][:400]] * times
    parts = [encode(name) + (b":" if codec is JSON else b"") + encode(i) for name, i in found]
    if codec is JSON:
        return b"{" + b",".join(parts) + b"}"
    return b"\xdf" + len(parts).to_bytes(4) + b"".join(parts)


@pytest.mark.parametrize("kind", NUMBERED)
@pytest.mark.parametrize("codec", [JSON, MESSAGE_PACK], ids=lambda codec: codec.name)
def test_twice_as_many_members_are_twice_the_work(codec: Codec, kind: str) -> None:
    once, twice = (calls(codec, body_of(codec, kind, times)) for times in (1, 2))
    assert twice < 2.2 * once


def test_an_object_of_far_too_many_members_is_not_decoded_where_its_header_says_so() -> None:
    names = {"text": b"\xa1a", "number": b"\x01", "bytes": b"\xc4\x01a", "nil": b"\xc0"}
    for name in names.values():
        for count in (1004, 100_000):
            body = b"\xdf" + count.to_bytes(4) + (name + b"\x00") * count
            assert calls(MESSAGE_PACK, body) < 40


def test_what_is_not_told_is_counted_and_not_made() -> None:
    """An applicant of a batch whose faults are no longer told costs little, however many it has."""
    wide = Rules([Number(f"n{i}", NO) for i in range(MANY)])
    count = 0

    def look(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(look)
    found = wide.faults({}, 7, 0)
    sys.setprofile(None)
    assert (found.count, len(found.told)) == (MANY, 1)
    assert count < 30


VALUES: dict[str, tuple[Any, int]] = {
    "right": ({"AGE": 1, "INCOME": None, "KIND": "car"}, 0),
    "nothing": ({}, 3),
    "one absent": ({"AGE": 1, "KIND": "car"}, 1),
    "one wrong": ({"AGE": "1", "INCOME": 2, "KIND": "car"}, 1),
    "all wrong": ({"AGE": None, "INCOME": True, "KIND": 1}, 3),
    "one unknown": ({"AGE": 1, "INCOME": 2, "KIND": None, "X": 3}, 1),
    "unknown alone": ({"X": 3, "Y": 4}, 5),
    "no object": ([1], 1),
    "a category never seen": ({"AGE": 1, "INCOME": 2, "KIND": "tram"}, 1),
    "an empty name": ({"AGE": 1, "INCOME": 2, "KIND": "boat", "": 0}, 1),
}


@pytest.mark.parametrize("case", VALUES)
@pytest.mark.parametrize("codec", [JSON, MESSAGE_PACK], ids=lambda codec: codec.name)
def test_as_many_faults_are_counted_as_are_told(codec: Codec, case: str) -> None:
    value, count = VALUES[case]
    encode = msgspec.json.encode if codec is JSON else msgspec.msgpack.encode
    found = Rules(FEATURES).faults(codec.parse(encode(value), 1000))
    assert (found.count, len(found.told)) == (count, count)
    assert found.told[:1] == Rules(FEATURES).faults(codec.parse(encode(value), 1000), most=0).told
    assert (found == NOTHING) == (count == 0)
