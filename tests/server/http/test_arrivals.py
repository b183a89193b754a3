"""What is held of requests that are not whole: bounded in sum, and nothing for who has no key."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from server.http.arrivals import Arrivals, Share
from tests.conftest import Running, Serve
from tests.long.server_fuzz import resident_kilobytes
from tests.ports import free_ports
from tests.server.asking import connections
from tests.server.command import run
from tests.server.wire import (
    BODY,
    FIT,
    LAST,
    LENGTH,
    LIVE,
    TYPE,
    chunked,
    conversation,
    raw,
    request,
    sender,
    statuses,
)
from tests.waiting import until

pytestmark = pytest.mark.slow

BOTH_LANES = True
MEGABYTE = 1_000_000
MANY = 60
BATCH = json.dumps([FIT] * 900).encode()
PATHS = (b"/score", b"/score?partial=true", b"/%73core", b"/v2/models/small/infer")


def begun(port: int, path: bytes, size: int, more: bytes = b"") -> socket.socket:
    """Return a connection that has sent all but one byte of a body."""
    head = b"POST %b HTTP/1.1\r\nHost: x\r\n%b%bContent-Length: %d\r\n\r\n"
    return sender(port, head % (path, TYPE, more, size) + b" " * (size - 1))


@pytest.fixture(scope="module")
def started(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server that holds four megabytes."""
    flags = ("--max-body", "1000000", "--max-arriving", "4000000")
    with serve(bundle, tmp_path_factory.mktemp("log"), *flags) as up:
        yield up


@pytest.fixture
def narrow(started: Running) -> Running:
    """It has seen the clients of the test before leave."""
    until(lambda: connections(started) == 0)
    return started


@pytest.mark.parametrize("path", PATHS)
def test_bodies_on_their_way_are_bounded_in_sum_and_others_go_on(
    narrow: Running, path: bytes
) -> None:
    """Sixty lack a byte; a batch that takes several reads is scored beside them."""
    (worker,) = narrow.workers()
    before = resident_kilobytes(worker)
    with ExitStack() as stack:
        slow = [stack.enter_context(begun(narrow.port, path, MEGABYTE)) for _ in range(MANY)]
        length = b"Content-Length: %d\r\n" % len(BATCH)
        batch = request(b"Host: x\r\nConnection: close\r\n" + TYPE + length)[: -len(BODY)] + BATCH
        assert statuses(raw(narrow, batch)) == [200]
        assert resident_kilobytes(worker) - before < 4 * 4_000
        first = slow[0].recv(65536)
        assert statuses(first) == [503]
        assert b"retry-after: 1\r\n" in first
        slow[-1].sendall(b" ")
        assert statuses(slow[-1].recv(65536)) == [400]  # all blanks: whole, and no JSON


def test_heads_on_their_way_are_bounded_in_sum(narrow: Running) -> None:
    """Each is within its own bound."""
    (worker,) = narrow.workers()
    before = resident_kilobytes(worker)
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 60_000
    with ExitStack() as stack:
        slow = [stack.enter_context(sender(narrow.port, head)) for _ in range(400)]
        assert statuses(slow[0].recv(65536)) == [503]
        assert resident_kilobytes(worker) - before < 4 * 4_000
        slow[-1].sendall(b"\r\n" + TYPE + LENGTH + b"\r\n" + BODY)
        assert statuses(slow[-1].recv(65536)) == [200]


def test_requests_queued_behind_one_another_are_bounded(narrow: Running) -> None:
    """Each would take a hundred times its bytes, were it parsed before it can be answered."""
    (worker,) = narrow.workers()
    before, many = resident_kilobytes(worker), LIVE * 6000
    assert statuses(raw(narrow, many + LAST)) == [200] * 6001
    with ExitStack() as stack:
        for _ in range(MANY):
            greedy = stack.enter_context(sender(narrow.port, b""))
            greedy.setblocking(False)
            with suppress(BlockingIOError):
                greedy.send(many)
        assert httpx.get(f"{narrow.url}/livez", timeout=60).status_code == 200
        assert resident_kilobytes(worker) - before < 40_000


def test_an_idle_connection_holds_nothing_of_what_it_sent(narrow: Running) -> None:
    """Neither a body nor a head, whatever answered it."""
    (worker,) = narrow.workers()
    before, body = resident_kilobytes(worker), b" " * 900_000
    whole = chunked(b"")[: -len(BODY) - 11] + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    long = LIVE[:-2] + b"X: %b\r\n\r\n" % (b"a" * 60_000)
    with ExitStack() as stack:
        for _ in range(MANY):
            idle = stack.enter_context(sender(narrow.port, whole))
            answer = idle.recv(65536)
            assert statuses(answer) == [400]
            assert b"connection: close" not in answer
        for _ in range(300):
            idle = stack.enter_context(sender(narrow.port, long))
            assert statuses(idle.recv(65536)) == [200]
        assert resident_kilobytes(worker) - before < 12_000


def test_trailers_without_end_are_refused(narrow: Running) -> None:
    """Fields, one name, one value, and what a chunk says beside its size."""
    (worker,) = narrow.workers()
    before, whole = resident_kilobytes(worker), chunked(b"")[:-2]
    for begin, more in ((b"", b"a: b\r\n"), (b"", b"a"), (b"a: ", b"b"), (b"a:", b" ")):
        with sender(narrow.port, whole + begin) as endless:
            assert statuses(told(endless, more)) == [431]
    with sender(narrow.port, whole[:-3] + b"5;") as endless:
        assert statuses(told(endless, b"a")) == [431]
    assert resident_kilobytes(worker) - before < 4_000


def told(endless: socket.socket, more: bytes) -> bytes:
    """Send without end until there is an answer; return it."""
    endless.settimeout(0.001)
    for _ in range(3000):
        try:
            endless.sendall(more * (10_000 // len(more)))
            return endless.recv(65536)
        except TimeoutError:
            continue
    raise AssertionError("30 MB were taken")


@pytest.fixture(scope="module")
def keyed(
    bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, bytes]]:
    """A server that asks for a key, and the key's field."""
    folder = tmp_path_factory.mktemp("log")
    given = ("--keys", str(folder / "keys"))
    key = run("key", *given, "--id", "a", "--scopes", "score", "admin").stdout.strip()
    with serve(bundle, folder, "--max-body", "1000000", *given) as up:
        yield up, f"X-API-Key: {key}\r\n".encode()


WRONG = b"Authorization: Bearer none\r\n"


@pytest.mark.parametrize("path", [*PATHS, b"/livez", b"/none"])
def test_a_body_without_a_key_is_not_kept(keyed: tuple[Running, bytes], path: bytes) -> None:
    """It is refused as soon as it is whole, and the connection goes on."""
    up, _ = keyed
    (worker,) = up.workers()
    before = resident_kilobytes(worker)
    expected = statuses(raw(up, request(b"Host: x\r\n" + WRONG + TYPE + LENGTH, path) + LAST))
    assert expected == [{b"/livez": 405, b"/none": 404}.get(path, 401), 200]
    with ExitStack() as stack:
        slow = [stack.enter_context(begun(up.port, path, MEGABYTE, WRONG)) for _ in range(MANY)]
        assert httpx.get(f"{up.url}/livez").status_code == 200
        assert resident_kilobytes(worker) - before < MANY * 150
        slow[0].sendall(b" " + LAST)
        assert statuses(whole_of(slow[0])) == expected


def whole_of(connection: socket.socket) -> bytes:
    got = b""
    while part := connection.recv(65536):
        got += part
    return got


def test_a_key_is_asked_before_anything_is_said_of_the_body(keyed: tuple[Running, bytes]) -> None:
    """No invitation, no bound, no media type is told to a stranger."""
    up, right = keyed
    for path in (b"/score", b"/models/small/score", b"/v2/models/small/infer"):
        for more in (
            b"Expect: 100-continue\r\n" + LENGTH,
            b"Content-Length: 2000000\r\n",
            b"Content-Encoding: gzip\r\n" + LENGTH,
            b"X-Request-Id: a b\r\n" + LENGTH,
        ):
            head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b%b\r\n"
            strangers = raw(up, head % (path, WRONG, more) + BODY)
            assert strangers.startswith(b"HTTP/1.1 401"), strangers
            assert b"www-authenticate: Bearer" in strangers
            known = raw(up, head % (path, right, more) + BODY)
            assert not known.startswith(b"HTTP/1.1 401"), known


STRANGE = (
    request(b"Host: x\r\nX-Request-Id: a b\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\nX-Request-Id:\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\nX-Request-Id: %b\r\n" % (b"a" * 129) + TYPE + LENGTH),
    request(b"Host: x\r\nX-Request-Id: \xff\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\nX-Request-Timeout-Ms: soon\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\nAccept: application/json;q=2\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\n" + TYPE + LENGTH, b"/score?x=1"),
    request(b"Host: x\r\n" + TYPE + LENGTH, b"/v2/models/small/infer"),
    request(b"Host: x\r\nContent-Length: 1000001\r\n" + TYPE),
    request(b"Host: x\r\nIdempotency-Key: a b\r\n" + TYPE + LENGTH),
    request(b"Host: x\r\nContent-Length: 1\r\n" + TYPE),
    chunked(b"X: y\r\n"),
)


def test_nothing_of_who_has_no_key_is_recorded(keyed: tuple[Running, bytes]) -> None:
    """Whatever is wrong with the request beside; the same with a key is in the record."""
    up, right = keyed
    before = len(up.records())
    for strange in STRANGE:
        raw(up, strange.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n"))
        raw(up, strange.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n" + WRONG))
    assert len(up.records()) == before
    raw(up, STRANGE[0].replace(b"Host", right + b"Connection: close\r\nHost"))
    assert len(up.records()) == before + 1


def test_the_admin_port_has_the_same_bounds(bundle: Path, serve: Serve, tmp_path: Path) -> None:
    """It speaks through the same protocol: heads, bodies, trailers, offers, slow clients."""
    port = free_ports()
    flags = ("--port", str(port), "--admin-port", str(port + 1), "--max-body", "1000000",
             "--head-seconds", "1", "--max-arriving", "4000000")  # fmt: skip
    with serve(bundle, tmp_path, *flags) as up:
        admin = Running(up.process, f"http://127.0.0.1:{port + 1}", port + 1, up.log_dir)
        pid = min(up.workers())  # it is forked first
        httpx.get(f"{admin.url}/models").raise_for_status()
        before = resident_kilobytes(pid)
        path = b"/v2/repository/index"
        with sender(admin.port, b"GET /models HTTP/1.1\r\nHost: x\r\nX: ") as endless:
            assert statuses(told(endless, b"a")) == [431]
        with ExitStack() as stack:
            slow = [stack.enter_context(begun(admin.port, path, MEGABYTE)) for _ in range(MANY)]
            assert httpx.get(f"{admin.url}/models").status_code == 200
            assert statuses(slow[0].recv(65536)) == [503]
            assert resident_kilobytes(pid) - before < 4 * 4_000
        assert statuses(raw(admin, request(b"Host: x\r\nContent-Length: 1000001\r\n", path))) == [
            413
        ]
        assert statuses(raw(admin, b"GET /models HTTP/1.1\r\n\r\n")) == [400]
        last = b"GET /models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        offer = b"Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + LENGTH
        head = request(offer, path)[: -len(BODY)]
        assert statuses(conversation(admin, head, BODY + last)) == [200, 200]
        with sender(admin.port, LIVE[:9]) as late:
            assert statuses(whole_of(late)) == [408]


class Arriving:
    """Lets go of its share when it is given up."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.share = Share(arrivals, self)
        self.is_given_up = False

    def give_up(self) -> None:
        self.is_given_up = True
        self.share.release()


def given_up(many: list[Arriving]) -> list[bool]:
    return [each.is_given_up for each in many]


def test_the_one_on_its_way_longest_is_given_up_for_the_newest() -> None:
    arrivals = Arrivals(10)
    first, second, third = many = [Arriving(arrivals) for _ in range(3)]
    for each in (first, second, first):
        each.share.hold(3)
    third.share.hold(3)
    assert given_up(many) == [True, False, False]
    assert arrivals.held == second.share.held + third.share.held == 6


def test_who_takes_no_answer_is_given_up_first_and_who_is_whole_never() -> None:
    arrivals = Arrivals(10)
    whole, slow, stalled, newest = many = [Arriving(arrivals) for _ in range(4)]
    for each in (whole, slow, stalled):
        each.share.hold(3)
    whole.share.whole()
    stalled.share.stall()
    newest.share.hold(3)
    assert given_up(many) == [False, False, True, False]
    newest.share.hold(6)
    assert given_up(many) == [False, True, True, True], "nothing but the whole one has room"
    assert arrivals.held == whole.share.held == 3
    whole.share.close()
    assert arrivals.held == 0


def test_who_takes_its_answer_again_is_given_up_in_its_turn() -> None:
    arrivals = Arrivals(10)
    many = [Arriving(arrivals) for _ in range(2)]
    stalled = many[1]
    for each in many:
        each.share.hold(5)
    stalled.share.stall()
    stalled.share.go_on()
    stalled.share.hold(1)
    assert given_up(many) == [True, False]
