"""What the parser makes of the bytes of one connection, told to whoever reads them."""

import pytest

from server.http import rules
from server.http.body import Body
from server.http.incoming import SMALL, Incoming
from server.http.problem import Problem

HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
REQUEST = HEAD + b"12345"
CHUNKED = (
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n"
)
UPGRADE = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"


class Reader:
    """Notes what it is told, and takes each body."""

    def __init__(self, most: int = 100) -> None:
        self.body = Body()
        self.incoming = Incoming(self, self.body, most)
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.problems: list[int] = []

    def on_head(self) -> None:
        self.heads.append(self.incoming.url)

    def on_too_large(self) -> None:
        self.reject(Problem(413, "too large"))

    def on_whole(self) -> None:
        self.bodies.append(self.body.take())

    def reject(self, problem: Problem) -> None:
        self.problems.append(problem.status)
        self.incoming.stop()

    def read(self, data: bytes) -> int:
        return self.incoming.read(data, lambda: False)


@pytest.mark.parametrize("size", [1, 7, len(REQUEST), 3 * len(REQUEST)])
def test_requests_are_told_one_by_one_however_they_are_cut(size: int) -> None:
    reader, sent = Reader(), REQUEST * 3
    for at in range(0, len(sent), size):
        assert reader.read(sent[at : at + size]) == len(sent[at : at + size])
    assert reader.heads == [b"/score"] * 3
    assert reader.bodies == [b"12345"] * 3
    assert not reader.incoming.is_under_way()


def test_a_request_is_under_way_in_its_head_and_in_its_body() -> None:
    incoming = Reader().incoming
    incoming.read(HEAD[:20], lambda: False)
    assert (incoming.in_head, incoming.in_body) == (True, False)
    incoming.read(HEAD[20:] + b"1", lambda: False)
    assert (incoming.in_head, incoming.in_body) == (False, True)
    assert incoming.came == len(HEAD) + 1
    incoming.read(b"2345", lambda: False)
    assert not incoming.is_under_way()
    assert incoming.has_ended


def test_no_more_is_parsed_than_the_reader_can_take() -> None:
    reader = Reader()
    count = reader.incoming.read(REQUEST * 100, lambda: len(reader.bodies) > 0)
    assert 0 < count <= SMALL
    assert reader.incoming.backlog == (REQUEST * 100)[count:]


def test_a_body_in_chunks_is_one_and_its_trailers_are_dropped() -> None:
    reader = Reader()
    reader.read(CHUNKED + b"X: y\r\n\r\n")
    assert reader.bodies == [b"abc"]
    assert reader.incoming.fields == {b"host": b"x", b"transfer-encoding": b"chunked"}


def test_a_body_above_its_bound_is_told_before_it_is_whole() -> None:
    reader = Reader(most=4)
    reader.read(HEAD + b"1234")
    assert not reader.problems
    reader.read(b"5")
    assert reader.problems == [413]
    assert not reader.bodies


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"what is this\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400),
     (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
     (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
     (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
     (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501)],
)  # fmt: skip
def test_what_is_no_request_is_rejected_and_nothing_behind_it_is_read(
    data: bytes, status: int
) -> None:
    reader = Reader()
    reader.read(REQUEST + data + REQUEST)
    assert reader.bodies == [b"12345"]
    assert reader.problems == [status]


def test_a_head_that_does_not_end_is_rejected_once_it_is_too_long() -> None:
    reader = Reader()
    reader.read(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(rules.MOST_BYTES // SMALL):
        assert not reader.problems
        reader.incoming.bound_head(reader.read(b"x" * SMALL))
    reader.incoming.bound_head(reader.read(b"x" * SMALL))
    assert reader.problems == [431]


def test_an_offer_of_another_protocol_is_declined_and_the_body_read() -> None:
    reader = Reader()
    reader.read(HEAD.replace(b"Host", UPGRADE + b"Host") + b"12345" + REQUEST)
    assert reader.bodies == [b"12345"] * 2
    assert b"upgrade" not in reader.incoming.fields


def test_what_is_skipped_is_not_parsed_and_what_is_behind_it_is() -> None:
    reader = Reader()
    incoming = reader.incoming
    incoming.skip(b"/score", 8)
    assert incoming.is_under_way()
    assert incoming.skipped(b"\x00\x00") == b""
    rest = incoming.skipped(b"\x00" * 6 + REQUEST)
    assert not incoming.is_under_way()
    reader.read(rest)
    assert reader.bodies == [b"12345"]


def test_who_is_deaf_hears_nothing() -> None:
    reader = Reader()
    reader.read(HEAD)
    reader.incoming.is_deaf = True
    reader.read(b"12345" + REQUEST)
    assert reader.heads == [b"/score"]
    assert not reader.bodies
