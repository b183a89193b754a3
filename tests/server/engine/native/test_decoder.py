"""Bodies decoded in C: the long way's row and score in every bit, or left to the long way."""

import json
import math
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from server.bundle.manifest import Category
from server.engine.native import engine
from server.engine.native.powers import powers_of_five
from server.engine.native.trees import read_trees
from server.scoring.codec import JSON, MESSAGE_PACK, Codec
from tests.long.native_bodies import (
    Compared,
    Members,
    as_msgpack,
    bodies,
    features,
    joined,
    members,
    value,
)
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
Decoder: Any = engine.Decoder
BOTH = pytest.mark.parametrize("codec", [JSON, MESSAGE_PACK], ids=["JSON", "MessagePack"])


@pytest.fixture(scope="module")
def compared() -> Compared:
    return Compared()


def rng() -> random.Random:
    return random.Random(7)


def plain_members(rng: random.Random) -> Members:
    """Return what fits every feature, in the manifest's order."""
    return [(msgspec.json.encode(each.name), plain_value(each, rng)) for each in features()]


def plain_value(feature: Any, rng: random.Random) -> bytes:
    """Return a value that the decoder knows: no category true, no text with an escaped quote."""
    while True:
        found = value(feature, rng, 0.0)
        is_odd = isinstance(feature, Category) and found == b"true"
        if not is_odd and b'\\"' not in found:
            return found


def encoded(found: Members, codec: Codec) -> bytes:
    if codec is JSON:
        return b"{" + b",".join(name + b":" + each for name, each in found) + b"}"
    packed = as_msgpack(found)
    assert packed is not None
    return packed


def test_made_and_mutated_bodies_are_left_or_scored_as_the_long_way_does(
    compared: Compared,
) -> None:
    """`make native-bodies` compares more."""
    answered = {
        codec.name: sum(compared(body, codec) for body, of in bodies(12_000, 2) if of is codec)
        for codec in (JSON, MESSAGE_PACK)
    }
    assert min(answered.values()) > 200


@BOTH
@pytest.mark.parametrize("order", ["the manifest's", "reversed", "shuffled"])
def test_plain_bodies_are_answered_whatever_their_order(
    order: str, codec: Codec, compared: Compared
) -> None:
    drawn = rng()
    for _ in range(50):
        found = plain_members(drawn)
        if order == "reversed":
            found.reverse()
        elif order == "shuffled":
            drawn.shuffle(found)
        assert compared(encoded(found, codec), codec)


@pytest.mark.parametrize("space", [b"", b" ", b"\n", b"\t \r\n", b" " * 40])
def test_space_may_stand_where_json_allows_it(space: bytes, compared: Compared) -> None:
    inner = (space + b"," + space).join(
        name + space + b":" + space + each for name, each in plain_members(rng())
    )
    assert compared(space + b"{" + space + inner + space + b"}" + space, JSON)


@BOTH
def test_a_body_cut_off_anywhere_is_left(codec: Codec, compared: Compared) -> None:
    body = encoded(plain_members(rng()), codec)
    assert compared(body, codec)
    answer = (
        compared.quick.engine.score_json if codec is JSON else compared.quick.engine.score_msgpack
    )
    assert [end for end in range(len(body)) if answer(body[:end]) is not None] == []
    assert answer(body + b"\0") is None
    assert answer(body + body) is None


@BOTH
def test_any_byte_replaced_is_left_or_scored_as_the_long_way_does(
    codec: Codec, compared: Compared
) -> None:
    body = encoded(plain_members(rng()), codec)
    others = b'\x00\x1f "\\,:{}[]0159.-+eEnt\x7f\x80\xc0\xc3\xcb\xd9\xff'
    for at in range(len(body)):
        for other in others:
            compared(body[:at] + bytes((other,)) + body[at + 1 :], codec, closely=False)


def twisted(found: Members) -> Iterator[Members]:
    """Yield bodies of which each feature is not there exactly once."""
    yield found[:-1]
    yield found[1:]
    yield [*found, found[0]]
    yield [*found[:-1], found[0]]
    yield [found[1], *found[1:]]
    yield [*found, (b'"unknown"', b"1")]
    yield [*found[:-1], (b'"unknown"', b"1")]
    yield [*found[:-1], (b'"plain_2 "', b"1")]
    yield [*found[:-1], (b'"plain_"', b"1")]
    yield []


@BOTH
def test_each_feature_has_to_stand_there_once(codec: Codec, compared: Compared) -> None:
    answer = (
        compared.quick.engine.score_json if codec is JSON else compared.quick.engine.score_msgpack
    )
    for found in twisted(plain_members(rng())):
        assert answer(encoded(found, codec)) is None


def odd_values() -> Iterator[tuple[str, str]]:
    """Yield (feature, a value of it that is not plainly fine)."""
    yield from (
        ("text", each) for each in ('"tram"', "1", "true", '"c\\u0061r"', '"car', '["car"]')
    )
    yield from (("text, never missing", each) for each in ("null", '""', '"m"', "0"))
    yield from (("numbers", each) for each in ("3", "1.5", '"1"', "true", "1e16", "-0"))
    yield from (("fractions", each) for each in ("null", "0.25", "false"))
    yield from (("text or number", each) for each in ("8", '"8"', "true"))
    yield from (("true or text", each) for each in ("true", "false", "1", "1.0"))
    yield from (("never missing", each) for each in ("null", '"1"', "true", "{}", "1e300", "Null"))
    yield from (("seen", each) for each in ("-0.001", "1000.0000001", "nul", "nulll"))
    yield from (("seen beyond", each) for each in ("9007199254740992", "-1e17"))
    yield from (("a b", each) for each in ("True", "tru", "truee", "fals", '"true"', "[true]"))
    yield from (("imputed", each) for each in ("100.5", "'1'", ""))


@pytest.mark.parametrize(("name", "text"), odd_values())
def test_what_is_not_plainly_fine_is_left(name: str, text: str, compared: Compared) -> None:
    key = msgspec.json.encode(name)
    found = [
        (each, text.encode() if each == key else as_it_is)
        for each, as_it_is in plain_members(rng())
    ]
    assert compared.quick.engine.score_json(encoded(found, JSON)) is None


@pytest.mark.parametrize(
    ("name", "packed"),
    [("plain_0", b"\xcb\x7f\xf8\0\0\0\0\0\0"), ("plain_0", b"\xca\x7f\x80\0\0"),
     ("plain_0", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), ("plain_0", b"\xc3"),
     ("plain_0", b"\xd3\x80\0\0\0\0\0\0\0"), ("plain_0", b"\xc7\x01\x05\x00"),
     ("plain_0", b"\xc2"), ("a b", b"\xc1"), ("text", b"\xc3"), ("text", b"\xc4\x03car"),
     ("text", b"\xd9\x03car"), ("plain_0", b"\xcf\0\x20\0\0\0\0\0\0")],
)  # fmt: skip
def test_odd_messagepack_is_left(name: str, packed: bytes, compared: Compared) -> None:
    """NaN, infinity, what float64 rounds, extensions, bytes, a header longer than need be."""
    found = plain_members(rng())
    keys = [name.encode() for name in (each.name for each in features())]
    parts = [msgspec.msgpack.encode(json.loads(part)) for pair in found for part in pair]
    parts[2 * keys.index(name.encode()) + 1] = packed
    body = b"\xde" + len(found).to_bytes(2) + b"".join(parts)
    assert compared.quick.engine.score_msgpack(body) is None


TRUTH = {b"true": 1.0, b"false": 0.0, b"null": math.nan, b"1": 1.0, b"-0.5": -0.5}


@BOTH
@pytest.mark.parametrize("text", TRUTH)
def test_true_and_false_are_numbers_where_the_manifest_says_so(
    codec: Codec, text: bytes, compared: Compared
) -> None:
    key = msgspec.json.encode("a b")
    found = [(each, text if each == key else value) for each, value in plain_members(rng())]
    body = encoded(found, codec)
    assert compared(body, codec)
    engine = compared.quick.engine
    said = (engine.score_json if codec is JSON else engine.score_msgpack)(body)
    assert said is not None
    place = [each.name for each in features()].index("a b")
    assert np.array_equal(np.frombuffer(said[0])[place], TRUTH[text], equal_nan=True)


WIDE = {
    b"\x05": 5.0, b"\xff": -1.0, b"\xcc\xff": 255.0, b"\xcd\xff\xfe": 65534.0, b"\xd0\x80": -128.0,
    b"\xce\xff\xff\xff\xff": 4294967295.0, b"\xcf\0\x1f" + b"\xff" * 6: 2.0**53 - 1,
    b"\xd1\x80\0": -32768.0, b"\xd2\x80\0\0\0": -(2.0**31), b"\xd3\xff\xe0" + b"\0" * 5 + b"\x01":
    1 - 2.0**53, b"\xca\x3f\xc0\0\0": 1.5, b"\xcb\xbf\xf8\0\0\0\0\0\0": -1.5, b"\xe0": -32.0,
}  # fmt: skip


@pytest.mark.parametrize("packed", WIDE)
def test_numbers_of_every_width_are_read(packed: bytes, compared: Compared) -> None:
    found = plain_members(rng())
    parts = [msgspec.msgpack.encode(json.loads(part)) for pair in found for part in pair]
    parts[-1] = packed
    body = b"\xde" + len(found).to_bytes(2) + b"".join(parts)
    assert compared(body, MESSAGE_PACK)
    said = compared.quick.engine.score_msgpack(body)
    assert said is not None
    assert np.frombuffer(said[0])[-1] == WIDE[packed]


def test_many_categories_are_told_apart(compared: Compared) -> None:
    """Texts that share beginnings and ends, and numbers: found each, and none beside them."""
    home = compared.quick
    texts = tuple(f"{i % 7}-common part {i}" for i in range(500))
    values = tuple(float(i) * 0.5 for i in range(-200, 300))
    codes = tuple(map(float, range(500)))
    first, second, *others = home.manifest.features
    known = (
        msgspec.structs.replace(first, categories=texts, codes=codes),
        Category(second.name, second.missing, values, codes),
        *others,
    )
    trees = read_trees((home.bundle.path / "model.onnx").read_bytes())
    native = engine.Native(trees, known, 1)
    usual = {each.name: json.loads(plain_value(each, rng())) for each in known}
    for i in range(500):
        sent = usual | {first.name: texts[i], second.name: values[-i - 1]}
        said = native.score_json(msgspec.json.encode(sent))
        assert said is not None
        assert np.frombuffer(said[0])[:2].tolist() == [i, 499 - i]
    for odd in (
        {first.name: texts[5] + " "},
        {first.name: texts[5][:-1] + "x"},
        {second.name: 0.25},
    ):
        assert native.score_json(msgspec.json.encode(usual | odd)) is None


def arguments(compared: Compared) -> dict[str, Any]:
    native: Any = compared.quick.engine
    fields = [engine.field(each, msgspec.json.encode) for each in features()]
    return {"kernel": native._kernel, "is_json": True, "fields": fields, "powers": powers_of_five()}


BROKEN: dict[str, Any] = {
    "fewer fields": lambda given: {"fields": given["fields"][:-1]},
    "more fields": lambda given: {"fields": given["fields"] * 2},
    "half a number": lambda given: {"fields": changed(given, 3, np.zeros(3))},
    "texts that are no dict": lambda given: {"fields": changed(given, 2, ())},
    "a power too few": lambda given: {"powers": powers_of_five()[1:]},
}


def changed(given: dict[str, Any], part: int, what: Any) -> list[Any]:
    """Return the fields with one part of the last one replaced."""
    last = list(given["fields"][-1])
    last[part] = what
    return [*given["fields"][:-1], tuple(last)]


@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_fit_the_kernel_is_a_value_error(name: str, compared: Compared) -> None:
    given = arguments(compared)
    Decoder(**given)
    with pytest.raises(ValueError, match="wanted"):
        Decoder(**(given | BROKEN[name](given)))


@pytest.mark.parametrize(
    "odd",
    [lambda given: {"kernel": object()}, lambda given: {"fields": tuple(given["fields"])},
     lambda given: {"fields": changed(given, 0, "text")}, lambda given: {"powers": None},
     lambda given: {"fields": changed(given, 2, {"text": 1.0})},
     lambda given: {"fields": changed(given, 2, {b"text": None})}],
)  # fmt: skip
def test_what_is_of_another_type_is_a_type_error(odd: Any, compared: Compared) -> None:
    given = arguments(compared)
    with pytest.raises(TypeError):
        Decoder(**(given | odd(given)))


@pytest.mark.parametrize("body", ["{}", None, bytearray(b"{}"), memoryview(b"{}")])
def test_a_body_that_is_not_bytes_is_a_type_error(body: Any, compared: Compared) -> None:
    with pytest.raises(TypeError):
        compared.quick.engine.score_json(body)


def test_space_and_order_at_random(compared: Compared) -> None:
    drawn = rng()
    found = [joined(members(features(), drawn, 0.0), drawn) for _ in range(300)]
    assert sum(compared(body, JSON) for body in found) > 30
