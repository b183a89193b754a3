"""What answer and record must not hold: addresses of memory, names that are the client's own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from server.scoring.codec import MESSAGE_PACK
from tests.conftest import Running, Serve
from tests.server.asking import lines, post_as
from tests.server.wire import FIT

BOTH_LANES = True
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}|object at")


PACKED: dict[str, bytes] = {
    "an extension": b"\xd4\x05\0", "a longer extension": b"\xc7\x03\x07abc",
    "a time": b"\xd6\xff\0\0\0\0", "a long time": b"\xc7\x0c\xff" + b"\0" * 12,
    "bytes": b"\xc4\x02\0\xff", "no bytes": b"\xc4\0", "a map": b"\x81\xa1a\x01",
    "a map of numbers": b"\x82\x01\x02\x03\x04", "an array": b"\x92\xd4\x05\0\x01",
    "an extension in a map": b"\x81\xa1a\xd4\x05\0", "infinity": b"\xca\x7f\x80\0\0",
    "true": b"\xc3", "an integer that float64 rounds": b"\xcf" + b"\xff" * 8,
}  # fmt: skip


@pytest.mark.parametrize("case", PACKED)
def test_no_answer_holds_an_address_of_memory(server: Running, case: str) -> None:
    value, pack = PACKED[case], msgspec.msgpack.encode
    rest = [pack(part) for pair in FIT.items() for part in pair]
    bodies = {
        "a value": b"\x85" + rest[0] + value + b"".join(rest[2:]),
        "a value of an unknown member": b"\x86" + b"".join(rest) + pack("odd") + value,
        "a name": b"\x86" + b"".join(rest) + value + b"\x01",
        "the applicant": value,
        "one of a batch": b"\x92" + value + b"\x85" + b"".join(rest),
    }
    for where, body in bodies.items():
        said = post_as(server, body, MESSAGE_PACK)
        assert said.status_code == 422, (where, said.text)
        assert said.json()["errors"], where
        assert not ADDRESS.search(said.text), (where, said.text)
    assert not ADDRESS.search(lines(server)[-1].decode())


def test_a_name_that_is_no_text_is_no_feature(server: Running) -> None:
    """Not even where it is written like one."""
    rest = b"".join(msgspec.msgpack.encode(part) for pair in FIT.items() for part in pair)
    for name, shown in (
        (b"\x01", "1"),
        (b"\xc0", "null"),
        (b"\xc3", "true"),
        (b"\x91\x01", "an array"),
    ):
        said = post_as(server, b"\x86" + rest + name + b"\0", MESSAGE_PACK)
        [fault] = said.json()["errors"]
        assert fault == {"feature": shown, "wanted": "no such feature", "got": "0"}


SECRET = "Jane Doe born 1980"
NAMED: dict[str, bytes] = {
    "a member": json.dumps(FIT | {SECRET: 1}).encode(),
    "a member twice": json.dumps(FIT)[:-1].encode() + f',"{SECRET}":1,"{SECRET}":2}}'.encode(),
    "the only member": json.dumps({SECRET: None}).encode(),
    "a member that is an object": json.dumps(FIT | {SECRET: {SECRET: SECRET}}).encode(),
    "a text for a number": json.dumps(FIT | {"AGE": SECRET}).encode(),
    "a category": json.dumps(FIT | {"KIND": SECRET}).encode(),
    "no object": json.dumps(SECRET).encode(),
    "no JSON": SECRET.encode(),
    "of a batch": json.dumps([FIT, FIT | {SECRET: 1}]).encode(),
    "beside NaN": json.dumps(FIT | {SECRET: float("nan")}).encode(),
}
PRIVATE = {
    "faults": ("--log-refused", "faults"),
    "none": ("--log-refused", "body", "--log-features", "none"),
}


@pytest.fixture(scope="module", params=PRIVATE)
def private(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Running]:  # fmt: skip
    """A server whose record holds no values."""
    with serve(bundle, tmp_path_factory.mktemp("private"), *PRIVATE[request.param]) as up:
        yield up


@pytest.mark.parametrize("case", NAMED)
def test_what_a_client_calls_a_member_is_not_recorded(private: Running, case: str) -> None:
    for path in ("/score", "/score?partial=true"):
        before = len(lines(private))
        said = post_as(private, NAMED[case], path=path)
        assert SECRET[:8] in said.text or case == "no JSON", "the client is told"
        new = b"".join(lines(private)[before:])
        assert b'"refused"' in new
        assert SECRET[:8].encode() not in new
    assert SECRET[:8] not in (private.log_dir / "stdout").read_text()


def test_what_a_client_calls_a_member_is_recorded_with_the_body(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    with serve(bundle, tmp_path, "--log-refused", "body") as up:
        post_as(up, NAMED["a member"])
        [fault] = json.loads(lines(up)[-1])["faults"]
    assert fault == {"feature": SECRET, "wanted": "no such feature", "got": "1"}
