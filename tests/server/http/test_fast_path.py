"""The fast path: its bytes are those of the ASGI path, and it starves and overtakes nobody."""

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.http import fast_path
from tests.conftest import Running, Serve, running
from tests.server.asking import connections, counted, stopped
from tests.server.wire import BODY, FIELDS, FIT, LIVE, TRACE, raw, scoring, sender, statuses
from tests.waiting import until

DATE = re.compile(rb"date: [^\r]+\r\n")


@pytest.fixture(scope="module")
def other(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The same server with the fast path off."""
    with running(bundle, tmp_path_factory.mktemp("log"), "--fast-lane", "off") as up:
        yield up


CLOSE = "Connection: close\r\n"
SAME = {
    "a score": scoring(more=CLOSE),
    "a batch": scoring(json.dumps([FIT] * 500).encode(), CLOSE),
    "a partial batch": scoring(b"[{}]", CLOSE, "/score?partial=true"),
    "a batch of all sorts": scoring(
        json.dumps([FIT, FIT | {"AGE": 1000}, FIT | {"INCOME": None}] * 30).encode(), CLOSE
    ),
    "a batch with a fault": scoring(json.dumps([FIT] * 50 + [FIT | {"AGE": "4"}]).encode(), CLOSE),
    "a model's own path": scoring(more=CLOSE, path="/models/small/versions/1/score"),
    "a trace": scoring(more=f"traceparent: {TRACE}\r\n{CLOSE}"),
    "an unfit deadline": scoring(more=f"X-Request-Timeout-Ms: soon\r\n{CLOSE}"),
    "faults": scoring(b'{"AGE": null}', CLOSE),
    "not JSON": scoring(b"{", CLOSE),
    "no body": scoring(b"", CLOSE),
    "another media type": scoring(more=f"Accept: text/html\r\n{CLOSE}"),
    "an unfit request id": scoring(more=f"X-Request-Id: a b\r\n{CLOSE}"),
    "HTTP/1.0": scoring(version="1.0"),
    "HTTP/1.0 that would stay": scoring(more="Connection: keep-alive\r\n", version="1.0"),
    "a body in chunks": b"POST /score HTTP/1.1\r\n" + FIELDS + CLOSE.encode()
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "no length": b"POST /score HTTP/1.1\r\n" + FIELDS + CLOSE.encode() + b"\r\n",
    "two lengths": scoring(more=f"Content-Length: 1\r\n{CLOSE}"),
    "a length and chunks": scoring(more=f"Transfer-Encoding: chunked\r\n{CLOSE}"),
    "the whole URL": scoring(more=CLOSE, path="http://x/score"),
    "an escaped path": scoring(more=CLOSE, path="/%73core"),
    "a path that is not there": scoring(more=CLOSE, path="/scores"),
    "a GET": b"GET /score HTTP/1.1\r\n" + FIELDS + CLOSE.encode() + b"\r\n",
    "a HEAD": b"HEAD /score HTTP/1.1\r\n" + FIELDS + CLOSE.encode() + b"\r\n",
}  # fmt: skip


SCORED = {
    "a score", "a batch", "a partial batch", "a batch of all sorts", "a model's own path",
    "a trace", "HTTP/1.0", "HTTP/1.0 that would stay", "a body in chunks", "the whole URL",
    "an escaped path",
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_both_paths_give_the_same_bytes(server: Running, other: Running, case: str) -> None:
    """But for the date: status, header fields and their order, body, end of the connection."""
    fast, slow = (DATE.sub(b"", raw(each, SAME[case])) for each in (server, other))
    assert fast == slow
    assert fast.startswith(b"HTTP/1.1 200 " if case in SCORED else b"HTTP/1.1 4")


def test_both_paths_count_record_and_log_the_same(bundle: Path, tmp_path: Path) -> None:
    seen = []
    for setting in ("on", "off"):
        log = tmp_path / setting
        log.mkdir()
        with running(bundle, log, "--fast-lane", setting) as up:
            for request in SAME.values():
                raw(up, request)
            text = httpx.get(f"{up.url}/metrics").text
            records = [(r["kind"], r["request_id"], r["sha256"]) for r in up.records()]
        lines = [json.loads(line) for line in (log / "stdout").read_text().splitlines()[1:]]
        access = [tuple(v for k, v in each.items() if k not in {"time", "us"}) for each in lines]
        seen.append(
            (re.findall(r"^credit_requests_total.* [1-9]\d*$", text, re.M), records, access)
        )
    assert seen[0] == seen[1]
    assert {kind for kind, _, _ in seen[0][1]} == {"score", "refused"}


def test_every_mixture_of_pipelined_requests_is_answered_in_order(server: Running) -> None:
    """What the fast path takes, what it does not, and one behind another that is running."""
    ids = [f"n{i}" for i in range(12)]
    requests = [
        scoring(more=f"X-Request-Id: {name}\r\n", path="/score?a" if i % 3 == 1 else "/score")
        for i, name in enumerate(ids)
    ]  # fmt: skip
    last = scoring(more=f"X-Request-Id: last\r\n{CLOSE}")
    answer = raw(server, b"".join([LIVE, *requests, LIVE, last]))
    found = re.findall(rb'"request_id":"(\w+)"|"live":(true)', answer)
    assert [(a or b).decode() for a, b in found] == ["true", *ids, "true", "last"]
    wanted = [400 if i % 3 == 1 else 200 for i in range(12)]  # no such query
    assert statuses(answer) == [200, *wanted, 200, 200]


@pytest.mark.parametrize("cut", range(40, 44))
def test_a_head_behind_a_large_body_is_not_counted_with_it(
    server: Running, other: Running, cut: int
) -> None:
    """What is read at once ends in the second head, more than 64 kB behind the first."""
    whole = scoring(json.dumps([FIT] * 900).encode()) + scoring(more=CLOSE)
    at = len(whole) - len(scoring(more=CLOSE)) + cut
    for each in (server, other):
        with sender(each.port, whole[:at]) as sending:
            time.sleep(0.02)
            sending.sendall(whole[at:])
            got = b""
            while part := sending.recv(1 << 20):
                got += part
        assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"200"]


def test_a_connection_that_sends_many_at_once_does_not_keep_others_waiting(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Both are there when the worker looks: the other's answer comes before most of the many."""
    many = 400
    with serve(bundle, tmp_path) as up:
        greedy, polite = sender(up.port, b""), sender(up.port, b"")
        with stopped(up, connected=2):
            greedy.sendall(b"".join(scoring(more=f"X-Request-Id: g{i}\r\n") for i in range(many)))
            polite.sendall(scoring(more="X-Request-Id: polite\r\n"))
        got = b""
        while got.count(b'"request_id"') < many:
            got += greedy.recv(1 << 20)
        assert {record["kind"] for record in up.records()} == {"score"}
        order = [record["request_id"] for record in up.records()]
        assert order.index("polite") < many / 10
        assert [each for each in order if each != "polite"] == [f"g{i}" for i in range(many)]
        greedy.close()
        polite.close()


def test_a_client_that_reads_nothing_is_waited_for(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Its requests are not read, so that its answers do not pile up; others are answered."""
    batch = scoring(json.dumps([FIT] * 500).encode())
    with serve(bundle, tmp_path) as up, sender(up.port, b"") as deaf:
        deaf.settimeout(2)
        with pytest.raises(TimeoutError):
            deaf.sendall(batch * 1000)
        assert httpx.post(f"{up.url}/score", json=FIT).status_code == 200
        assert counted(up, 'credit_requests_total{endpoint="score",status="200"}') < 1000
        resident = (Path("/proc") / str(up.workers()[0]) / "smaps_rollup").read_text()
        assert int(re.findall(r"^Rss: +(\d+) kB", resident, re.M)[0]) < 400_000


def test_an_idle_connection_is_closed_when_its_time_is_over(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """That is no time-out of a slow client, and a connection that goes on in time is kept."""
    with serve(bundle, tmp_path, "--keep-alive-seconds", "1") as up:
        with sender(up.port, scoring()) as idle:
            assert idle.recv(65536).startswith(b"HTTP/1.1 200")
            idle.sendall(scoring())
            assert idle.recv(65536).startswith(b"HTTP/1.1 200")
            assert idle.recv(65536) == b""
        assert counted(up, "credit_client_timeouts_total") == 0


def test_a_stop_waits_for_a_body_that_is_on_its_way(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """It is answered, and told that the connection ends."""
    whole = scoring()
    with serve(bundle, tmp_path) as up, sender(up.port, whole[:-5]) as half:
        until(lambda: connections(up) >= 1)
        httpx.post(f"{up.url}/score", json=FIT)
        up.process.terminate()
        until(lambda: refused(up.port))
        half.sendall(whole[-5:])
        answer = half.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer
        assert half.recv(65536) == b""


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return True
    return False


def test_what_follows_a_request_that_is_shed_does_not_overtake_it(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Both come at once where one may wait; behind each a question that is never shed by itself."""
    with serve(bundle, tmp_path, "--max-in-flight", "1") as up:
        both = [sender(up.port, b"") for _ in range(2)]
        with stopped(up, connected=2):
            for each in both:
                each.sendall(scoring() + LIVE)
        answers = [two_statuses(each) for each in both]
    assert sorted(answers) == [[b"200", b"200"], [b"503", b"200"]]


def two_statuses(connection: socket.socket) -> list[bytes]:
    """Return the statuses of the next two answers, and close."""
    found: list[bytes] = []
    got = b""
    with connection:
        while len(found) < 2:
            got += connection.recv(65536)
            found = re.findall(rb"HTTP/1.1 (\d+)", got)
    return found


def test_a_uvicorn_it_was_not_read_for_is_left_to_asgi(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With one line, and everything answered all the same."""
    assert fast_path.is_known("0.54.3")
    assert not fast_path.is_known("0.55.0")
    started = (
        "import sys, uvicorn; uvicorn.__version__ = '0.99.0'; from server.cli import main; "
        "sys.exit(main(sys.argv[1:]))"
    )
    with running(bundle, tmp_path, program=("-c", started)) as up:
        assert raw(up, SAME["a score"]).startswith(b"HTTP/1.1 200")
    assert capfd.readouterr().err.count("uvicorn 0.99.0: not known to the fast path") == 1


def test_a_body_in_many_small_pieces_is_read_whole(server: Running) -> None:
    """More pieces than a body is held in apart."""
    body = BODY + b" " * 200
    with sender(server.port, scoring(body)[: -len(body)]) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(body)):
            connection.sendall(body[at : at + 1])
            time.sleep(0.0005)
        assert connection.recv(12) == b"HTTP/1.1 200"
