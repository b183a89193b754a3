"""What is shed without the parser: it ends where it says, and its connection goes on."""

import http.client
import re
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.http.shedding import PLAIN_POST
from tests.conftest import Running, running
from tests.server.asking import counted, stopped
from tests.server.wire import BODY, KNOWN, LIVE, scoring, sender

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
STATUS = re.compile(rb"HTTP/1.1 (\d+)")
LATER = 5
TRIES = 5


@pytest.fixture(scope="module", params=["on", "off"])
def narrow(
    bundle: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """A server whose queue holds one request, with the fast path and without."""
    flags = ("--max-in-flight", "1", "--fast-lane", request.param)
    with running(bundle, tmp_path_factory.mktemp("log"), *flags) as up:
        yield up


def accepted(server: Running) -> socket.socket:
    """Return a connection the server has accepted, for it answered there once."""
    connection = sender(server.port, LIVE)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert (answer.status, bool(answer.read())) == (200, True)
    return connection


def behind_one(server: Running, first: bytes) -> socket.socket:
    """Return a connection whose bytes were read while another's request filled the queue."""
    shed = accepted(server)
    behind_another(server, shed, first)
    return shed


def behind_another(server: Running, shed: socket.socket, data: bytes) -> None:
    """Send data that is read while another's request fills the queue."""
    with accepted(server) as filling:
        with stopped(server, connected=2):
            filling.sendall(scoring())
            shed.sendall(data)
        assert statuses(filling, 1) == [b"200"]


def too_soon(server: Running, data: bytes) -> socket.socket:
    """Return a connection that was refused and sent data at once again: its refusal waits."""
    shed = behind_one(server, scoring())
    assert statuses(shed, 1) == [b"503"]
    behind_another(server, shed, data)
    return shed


def statuses(connection: socket.socket, count: int) -> list[bytes]:
    """Return the statuses of so many answers."""
    got = b""
    while len(STATUS.findall(got)) < count:
        part = connection.recv(65536)
        assert part, got
        got += part
    return STATUS.findall(got)


def test_who_asks_again_too_soon_waits_for_the_refusal_and_who_waited_does_not(
    narrow: Running,
) -> None:
    """A refusal comes at once; were the next as quick, its client could ask without end."""
    with behind_one(narrow, scoring()) as patient, behind_one(narrow, scoring()) as soon:
        assert statuses(soon, 1) == statuses(patient, 1) == [b"503"]
        for _ in range(TRIES):  # this process may stop for so long that both answers are there
            time.sleep(1)
            behind_another(narrow, soon, scoring())
            assert statuses(soon, 1) == [b"503"]
            with accepted(narrow) as filling, stopped(narrow, connected=3):
                filling.sendall(scoring())
                soon.sendall(scoring())
                patient.sendall(scoring())
            ready, _, _ = select.select([soon, patient], [], [])
            assert statuses(soon, 1) == statuses(patient, 1) == [b"503"]
            if ready == [patient]:
                break
        assert ready == [patient]


def test_a_body_that_comes_later_is_dropped_and_the_connection_goes_on(narrow: Running) -> None:
    whole = scoring()
    with behind_one(narrow, whole[:-LATER]) as shed:
        shed.sendall(whole[-LATER:])
        assert statuses(shed, 1) == [b"503"]
        shed.sendall(whole)
        assert statuses(shed, 1) == [b"200"]


@pytest.mark.parametrize("later", [0, LATER, len(BODY)])
def test_a_head_that_was_parsed_before_is_shed_where_it_says(narrow: Running, later: int) -> None:
    """Its bytes are known, so it is not even looked at by the pattern."""
    cut = len(KNOWN) - later
    with sender(narrow.port, KNOWN) as first:
        assert statuses(first, 1) == [b"200"]
    with behind_one(narrow, KNOWN[:cut]) as shed:
        if later:
            shed.sendall(KNOWN[cut:])
        assert statuses(shed, 1) == [b"503"]
        shed.sendall(LIVE)
        assert statuses(shed, 1) == [b"200"]


def test_what_comes_with_the_end_of_a_dropped_body_is_answered_after_the_refusal(
    narrow: Running,
) -> None:
    whole = scoring()
    with behind_one(narrow, whole[:-LATER]) as shed:
        shed.sendall(whole[-LATER:] + LIVE)
        assert statuses(shed, 2) == [b"503", b"200"]


def test_what_comes_with_the_end_of_a_dropped_body_is_shed_where_the_refusal_waits(
    narrow: Running,
) -> None:
    """Whatever it asks: an answer would overtake the refusal."""
    whole = scoring()
    for _ in range(TRIES):  # this process may stop for so long that the refusal has left
        with too_soon(narrow, whole[:-LATER]) as shed:
            shed.sendall(whole[-LATER:] + LIVE)
            found = statuses(shed, 2)
        if found == [b"503", b"503"]:
            break
    assert found == [b"503", b"503"]


def test_a_connection_that_sent_more_while_its_refusal_waited_is_read_again(
    narrow: Running,
) -> None:
    """What comes meanwhile is refused too, then all is as before."""
    whole = scoring()
    for _ in range(TRIES):  # as above
        with too_soon(narrow, whole) as shed:
            shed.sendall(whole)
            found = statuses(shed, 2)
            shed.sendall(whole)
            assert statuses(shed, 1) == [b"200"]
        if found == [b"503", b"503"]:
            break
    assert found == [b"503", b"503"]


@pytest.mark.parametrize(
    ("path", "endpoint", "kind"),
    [
        ("/score", "score", b"application/problem+json"),
        ("/models/small/score", "score", b"application/problem+json"),
        ("/v2/models/small/infer", "infer", b"application/json"),
        ("/none", "other", b"application/problem+json"),
    ],
)
def test_what_is_shed_is_counted_under_its_endpoint_and_answered_in_its_way(
    narrow: Running, path: str, endpoint: str, kind: bytes
) -> None:
    names = (f'credit_requests_total{{endpoint="{endpoint}",status="503"}}', "credit_shed_total")
    before = [counted(narrow, name) for name in names]
    with behind_one(narrow, scoring(path=path)) as shed:
        answer = shed.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"content-type: %b\r\n" % kind in answer
    assert b"retry-after: 1\r\n" in answer
    assert [counted(narrow, name) for name in names] == [each + 1 for each in before]


def test_a_client_that_sends_no_more_still_gets_its_refusal(narrow: Running) -> None:
    with too_soon(narrow, scoring()) as shed:
        shed.shutdown(socket.SHUT_WR)
        assert statuses(shed, 1) == [b"503"]
        assert shed.recv(65536) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"POST /score HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nX: a\r\n Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /score HTTP/1.1\nContent-Length: 1\n\n",
        b"POST /score HTTP/1.0\r\nContent-Length: 1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
        b"POST /score HTTP/1.1\r\nContent-Length: 1\r\nConnection: keep-alive, upgrade\r\n\r\n",
        b"POST /score HTTP/1.1\r\nX: \x00\r\nContent-Length: 1\r\n\r\n",
        b"GET /score HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
        b"post /score HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
        b"POST /score HTTP/1.1\r\nX: a\r\ntransfer-ENCODING: chunked\r\nContent-Length: 1\r\n\r\n",
    ],
)
def test_a_head_whose_end_could_be_read_in_two_ways_is_left_to_the_parser(head: bytes) -> None:
    assert PLAIN_POST.match(head) is None
    plain = (
        b"POST /score HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n"
    )
    for each in (plain, plain.replace(b"Connection: k", b"CONNECTION: K").replace(b"Con", b"coN")):
        assert PLAIN_POST.match(each)


def test_a_long_body_in_chunks_is_shed_like_any_other(narrow: Running) -> None:
    """Only the parser finds its end. None of it is kept, and none of it is counted as a head."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    with accepted(narrow) as shed:
        behind_another(narrow, shed, b"POST /score HTTP/1.1\r\nHost: x\r\n" + CHUNKED)
        for _ in range(10):
            shed.sendall(chunk)
        shed.sendall(b"0\r\n\r\n")
        assert statuses(shed, 1) == [b"503"]
        shed.sendall(LIVE)
        assert statuses(shed, 1) == [b"200"]
