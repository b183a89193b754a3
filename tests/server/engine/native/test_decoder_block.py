"""Arrays decoded in C: the rows of each applicant alone, or left to the long way."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest

from server.scoring.codec import JSON, MESSAGE_PACK, Codec
from tests.long.native_bodies import Compared, as_msgpack, features, members
from tests.native_kernel import needs_kernel

pytestmark = needs_kernel
BOTH = pytest.mark.parametrize("codec", [JSON, MESSAGE_PACK], ids=["JSON", "MessagePack"])
MOST = 1000


@pytest.fixture(scope="module")
def compared() -> Compared:
    return Compared()


def applicants(codec: Codec, count: int) -> list[bytes]:
    """Return what fits every feature; to some the decoder has to leave a closer look."""
    rng, found = random.Random(count), list[bytes]()
    while len(found) < count:
        made = members(features(), rng, 0.0)
        body = b"{" + b",".join(name + b":" + each for name, each in made) + b"}"
        packed = body if codec is JSON else as_msgpack(made)
        if packed is not None:
            found.append(packed)
    return found


def joined(bodies: list[bytes], codec: Codec) -> bytes:
    if codec is JSON:
        return b"[" + b",".join(bodies) + b"]"
    return b"\xdc" + len(bodies).to_bytes(2) + b"".join(bodies)


def read(compared: Compared, body: Any, codec: Codec, most: Any = MOST) -> Any:
    engine = compared.quick.engine
    return (engine.block_json if codec is JSON else engine.block_msgpack)(body, most)


@BOTH
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 33, 1000])
def test_every_row_is_that_of_its_applicant_alone(
    count: int, codec: Codec, compared: Compared
) -> None:
    """A row is zeros where the applicant has to be looked at; its place is told."""
    bodies = applicants(codec, count)
    body = joined(bodies, codec)
    found = read(compared, body, codec)
    assert found is not None
    rows, spans, beyond, odd = found
    rows = np.frombuffer(rows).reshape(count, -1)
    each = np.frombuffer(spans, np.int64).reshape(-1, 2).tolist()
    assert [body[begin:end] for begin, end in each] == bodies
    engine = compared.quick.engine
    score = engine.score_json if codec is JSON else engine.score_msgpack
    for place, one in enumerate(bodies):
        said = score(one)
        assert (said is None) == (place in {*beyond, *odd})
        if said is not None:
            assert rows[place].tobytes() == said[0]
        if place in odd:
            assert not rows[place].any()


@BOTH
def test_an_array_cut_off_anywhere_is_left(codec: Codec, compared: Compared) -> None:
    body = joined(applicants(codec, 3), codec)
    assert read(compared, body, codec) is not None
    assert [end for end in range(len(body)) if read(compared, body[:end], codec) is not None] == []
    assert read(compared, body + b"]", codec) is None


@BOTH
def test_an_array_longer_than_it_may_be_is_left(codec: Codec, compared: Compared) -> None:
    body = joined(applicants(codec, 20), codec)
    assert read(compared, body, codec, 20) is not None
    for most in (19, 1, 0, -1):
        assert read(compared, body, codec, most) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[ ]", b"[", b"]", b"[1]", b"[{}", b"[{},]", b"[,{}]", b"[{} {}]", b"{}",
             b"[[{}]]", b'[{"a":{}}]', b'[{"a":[]}]', b'[{"a":"}]', b'[{"a":"\\', b'[{"', b"[0]"],
)  # fmt: skip
def test_what_is_no_array_of_flat_objects_is_left(body: bytes, compared: Compared) -> None:
    assert read(compared, body, JSON) is None


def test_where_an_odd_object_ends_is_found_behind_texts(compared: Compared) -> None:
    odd = [b'{"}":"\\"}{[,", "b\\\\":1}', b"{}", b"{no JSON at all}"]
    found = read(compared, joined(odd, JSON), JSON)
    assert found is not None
    assert found[3] == [0, 1, 2]


@pytest.mark.parametrize(
    "body", [b"", b"\x90", b"\x91", b"\x91\xc0", b"\xdc\x00", b"\xdd\xff\xff\xff\xff\x80",
             b"\x92\x80", b"\x91\x81\xa1a\x81", b"\x91\x81\xa1a\x90", b"\x91\xde\xff\xff\xc0",
             b"\x91\x81\xc4\x01a\xc0", b"\x91\x81\xa1a\xdb\x00\x00\x00\x01a", b"\x91\x80\x80"],
)  # fmt: skip
def test_what_is_no_array_of_flat_maps_is_left(body: bytes, compared: Compared) -> None:
    assert read(compared, body, MESSAGE_PACK) is None


@pytest.mark.parametrize("body", [b"\x91\x80", b"\xdc\x00\x01\x80", b"\xdd\x00\x00\x00\x01\x80"])
def test_every_header_of_an_array_is_read(body: bytes, compared: Compared) -> None:
    found = read(compared, body, MESSAGE_PACK)
    assert found is not None
    assert found[3] == [0]


@pytest.mark.parametrize("odd", [{}, {"a": 1.5, "b": None, "c": True, "d": -1, "e": "x" * 300}])
def test_where_an_odd_map_ends_is_found(odd: dict[str, Any], compared: Compared) -> None:
    bodies = [msgspec.msgpack.encode(odd), *applicants(MESSAGE_PACK, 2)]
    found = read(compared, joined(bodies, MESSAGE_PACK), MESSAGE_PACK)
    assert found is not None
    assert found[3] == [0]


@BOTH
def test_any_byte_replaced_is_left_or_read(codec: Codec, compared: Compared) -> None:
    """What is read as plain has the row of its applicant alone."""
    rng, body = random.Random(1), joined(applicants(codec, 3), codec)
    engine = compared.quick.engine
    score = engine.score_json if codec is JSON else engine.score_msgpack
    for _ in range(4000):
        at = rng.randrange(len(body))
        broken = body[:at] + rng.randbytes(1) + body[at + rng.choice((0, 1, 1, 1, 2, 40)) :]
        found = read(compared, broken, codec)
        if found is None:
            continue
        rows, spans, beyond, odd = found
        for place, (begin, end) in enumerate(np.frombuffer(spans, np.int64).reshape(-1, 2)):
            said = score(broken[begin:end])
            assert (said is None) == (place in {*beyond, *odd})
            width = len(rows) // (len(spans) // 16)
            assert said is None or said[0] == rows[place * width : (place + 1) * width]


@pytest.mark.parametrize("given", [("{}", 1), (None, 1), (bytearray(b"[]"), 1), (b"[]", "1")])
def test_what_is_of_another_type_is_a_type_error(given: Any, compared: Compared) -> None:
    with pytest.raises(TypeError):
        read(compared, given[0], JSON, given[1])


def read_each(compared: Compared, bodies: Any, codec: Codec) -> Any:
    engine = compared.quick.engine
    return (engine.bodies_json if codec is JSON else engine.bodies_msgpack)(bodies)


@BOTH
@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 64])
def test_bodies_have_the_rows_that_each_has_alone(
    count: int, codec: Codec, compared: Compared
) -> None:
    """They begin and end as if they were joined, and none of them reads into the next."""
    good = applicants(codec, count)
    cut = [body[: len(body) // 2] for body in good[:3]] if count > 2 else []
    doubled = [body + body for body in good[:3]]
    bodies = [*good, *cut, *doubled, b"", joined(good[:2], codec), b"{}", b"\x80"]
    rows, spans, beyond, odd = read_each(compared, bodies, codec)
    whole, ends = b"".join(bodies), np.frombuffer(spans, np.int64).reshape(-1, 2).tolist()
    assert [whole[begin:end] for begin, end in ends] == bodies
    assert {*range(count, len(bodies))} <= {*odd}
    engine, width = compared.quick.engine, len(rows) // len(bodies)
    score = engine.score_json if codec is JSON else engine.score_msgpack
    for place, body in enumerate(bodies):
        said, row = score(body), rows[place * width : (place + 1) * width]
        assert (said is None) == (place in {*beyond, *odd})
        assert row == (said[0] if said else row)
        assert place not in odd or not any(row)


def test_white_space_around_a_body_belongs_to_it(compared: Compared) -> None:
    score = compared.quick.engine.score_json
    body = next(each for each in applicants(JSON, 50) if score(each) is not None)
    found = read_each(compared, [b" \r\n" + body + b"\t\n", body], JSON)
    assert np.frombuffer(found[1], np.int64).tolist() == [0, len(body) + 5, len(body) + 5,
                                                          2 * len(body) + 5]  # fmt: skip
    assert found[3] == []


@pytest.mark.parametrize("given", [(b"{}",), [b"{}", "{}"], [None], b"{}", None])
def test_what_is_no_list_of_bodies_is_a_type_error(given: Any, compared: Compared) -> None:
    with pytest.raises(TypeError):
        read_each(compared, given, JSON)
