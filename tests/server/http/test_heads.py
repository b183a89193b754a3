"""Known heads: what follows one on a connection is answered as if the parser had read it all."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.http.heads import MOST_BYTES, MOST_HEADS, Head, Heads
from server.oip.handler import InferHandler
from tests.conftest import Running, running
from tests.server.asking import counted
from tests.server.wire import BODY, HEAD, KNOWN, LIVE, sender

CHANGING = re.compile(rb"date: [^\r]+\r\n|[0-9a-f]{32}(?![0-9a-f])")  # dates and made ids
LAST = HEAD.replace(b"Host", b"Connection: close\r\nHost") + BODY
LONGER = BODY[:-1] + b" }"


@pytest.fixture(scope="module")
def both(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """A server with the fast path, which knows heads, and one without."""
    fast, slow = (tmp_path_factory.mktemp(setting) for setting in ("on", "off"))
    with running(bundle, fast) as on, running(bundle, slow, "--fast-lane", "off") as off:
        yield [on, off]


AFTER: dict[str, list[bytes]] = {
    "the same again": [KNOWN, KNOWN],
    "two at once": [KNOWN + KNOWN],
    "another behind it": [KNOWN + LIVE],
    "it behind another": [LIVE + KNOWN],
    "a line break before it": [b"\r\n" + KNOWN],
    "an empty head before it": [b"\r\n\r\n" + KNOWN],
    "its first byte alone": [KNOWN[:1], KNOWN[1:]],
    "its first byte, then all of it": [KNOWN[:1], KNOWN],
    "half a head": [HEAD[:40], HEAD[40:] + BODY],
    "all but a byte of the head": [HEAD[:-1], HEAD[-1:] + BODY],
    "the head alone": [HEAD, BODY],
    "the head, then itself as the body": [HEAD, KNOWN],
    "half a body": [HEAD + BODY[:9], BODY[9:]],
    "a byte too few, then nothing of it": [HEAD + BODY[:-1], b"}" + KNOWN],
    "a byte too many": [KNOWN + b" "],
    "what is not HTTP behind it": [KNOWN + b"\x00\x00"],
    "another body of its length": [HEAD + BODY.replace(b"car", b"\xff\xff\xff"), KNOWN],
    "another length": [HEAD.replace(b"%d" % len(BODY), b"%d" % len(LONGER)) + LONGER, KNOWN],
    "another field in front": [HEAD.replace(b"Host", b"Accept: text/html\r\nHost") + BODY, KNOWN],
    "another version": [HEAD.replace(b"1.1", b"1.0") + BODY],
    "lines that end without a return": [HEAD.replace(b"\r\n", b"\n") + BODY],
    "two lengths": [HEAD.replace(b"Host", b"Content-Length: 1\r\nHost") + BODY],
    "a body that looks like its head's end": [
        b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n{}\r\n\r\n  ", KNOWN,
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", AFTER)
def test_what_follows_a_known_head_is_answered_as_without_it(
    both: list[Running], case: str
) -> None:
    """Byte for byte but for dates and ids, to the end of the connection."""
    fast, slow = (conversation(each.port, [KNOWN, KNOWN, *AFTER[case]]) for each in both)
    assert fast == slow
    assert fast.count(b"HTTP/1.1 200") >= 2


def conversation(port: int, pieces: list[bytes]) -> bytes:
    """Send each piece by itself and a last request; return what came back."""
    with sender(port, b"") as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = b""
        for piece in [*pieces, LAST]:
            try:
                connection.sendall(piece)
            except OSError:  # closed by an answer to what came before
                break
            time.sleep(0.03)
        while part := connection.recv(65536):
            got += part
    return CHANGING.sub(b"", got)


def test_known_heads_count_and_record_as_others(both: list[Running]) -> None:
    server = both[0]
    before, records = counted(server, "credit_applicants_total"), len(server.records())
    conversation(server.port, [KNOWN] * 5)
    assert counted(server, "credit_applicants_total") == before + 6
    assert len(server.records()) == records + 6


def head_of(length: int, **fields: bytes) -> Head:
    handler = object.__new__(InferHandler)  # whose terms need nothing
    return Head(b"/score", "/score", {k.encode(): v for k, v in fields.items()}, handler, length)


def test_a_head_is_known_by_all_of_its_bytes_and_the_length_of_its_body() -> None:
    heads, head = Heads(), head_of(len(BODY))
    assert heads.of(KNOWN) is None
    heads.learn(KNOWN, head)
    assert heads.of(KNOWN) == (head, BODY)
    assert heads.of(HEAD + b"x" * len(BODY)) == (head, b"x" * len(BODY))
    for other in (KNOWN[:-1], KNOWN + b"x", KNOWN[1:], b" " + KNOWN, HEAD, b"", BODY,
                  KNOWN.replace(b"Host", b"host")):  # fmt: skip
        assert heads.of(other) is None


@pytest.mark.parametrize(
    ("data", "head"),
    [(b"\r\n\r\n" + KNOWN, head_of(len(BODY))),
     (b"\r\n\r\n" + BODY, head_of(len(BODY))),
     (KNOWN + KNOWN, head_of(len(BODY))),
     (KNOWN, head_of(len(BODY), **{"x-request-id": b"one"})),
     (KNOWN, head_of(len(BODY), traceparent=b"00")),
     (b"POST / HTTP/1.1\r\nX: " + b"x" * MOST_BYTES + b"\r\n\r\n", head_of(0)),
     (HEAD.replace(b"\r\n\r\n", b"\n\n") + b"{}\r\n\r\n", head_of(6))],
)  # fmt: skip
def test_what_would_not_come_again_or_is_not_sure_is_not_learnt(data: bytes, head: Head) -> None:
    """Nor does it take the place of another."""
    heads, other = Heads(), b"POST / HTTP/1.1\r\n\r\n"
    heads.learn(other, head_of(0))
    for number in range(MOST_HEADS + 1):
        heads.learn(data.replace(b"Host", b"Host%d" % number), head)
    heads.learn(data, head)
    assert heads.of(data) is None
    assert heads.of(KNOWN) is None
    assert heads.of(other) is not None


def test_no_more_heads_are_kept_than_the_bound() -> None:
    heads = Heads()
    sent = [b"POST /%d HTTP/1.1\r\n\r\n" % number for number in range(MOST_HEADS + 1)]
    for each in sent:
        heads.learn(each, head_of(0))
    assert [heads.of(each) is not None for each in sent] == [False] * MOST_HEADS + [True]
