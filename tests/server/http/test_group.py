"""Groups answered by one call: what each request alone gets, records and counters too."""

import json
import resource
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from server.http.bare import CLOSE
from server.http.fast_path import FastPath, whole
from server.http.group import around_id
from server.http.group_commit import GroupCommit
from server.http.in_flight import InFlight
from server.http.keys import create
from server.http.message import Answer
from server.http.terms import head_of
from server.scoring.codec import JSON, MESSAGE_PACK
from tests.conftest import Running, Serve, Trained, applicants
from tests.long.server_groups import Compared, scripts_of
from tests.server.asking import stopped
from tests.server.wire import BODY, FIT, raw, sender, senders
from tests.waiting import until

MANY, REQUESTS = 20, 960
HEAD = "POST /score HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/json\r\n"


def known(body: bytes = BODY, more: str = "") -> bytes:
    """Return a request whose head is the same each time, without an id."""
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    return (HEAD % more).encode() + length + body


def together(server: Running, requests: Sequence[bytes]) -> list[bytes]:
    """Send a request on each of as many connections in one turn; return the answers."""
    with senders(server.port, b"", len(requests)) as asking:
        with stopped(server, connected=len(requests)):
            for each, request in zip(asking, requests, strict=True):
                each.sendall(request)
        return [each.recv(65536) for each in asking]


@pytest.mark.parametrize(
    "flags",
    [(), ("--engine", "onnxruntime"), ("--log-features", "none"), ("--log-refused", "body"),
     ("--unseen", "missing", "--log-chain", "true")],
    ids=" ".join,
)  # fmt: skip
def test_a_group_gets_what_each_request_alone_gets(
    flags: Sequence[str], bundle: Path, trained: Trained
) -> None:
    """`make groups` compares more, with reasons too."""
    good = applicants(trained.held_out[:200])
    with ExitStack() as stack:
        compared = Compared(stack, bundle, *flags)
        compared(scripts_of(flags, good, REQUESTS, "small"))
        compared.end()
    assert compared.statuses[200] > REQUESTS / 2
    assert compared.statuses[422] > REQUESTS / 50


def test_a_group_gets_the_reasons_that_each_alone_gets(trained: Trained) -> None:
    from tests.long import server_groups

    with ExitStack() as stack:
        compared = Compared(stack, server_groups.BUNDLE, "--reasons", "principal")
        compared(scripts_of("reasons", server_groups.good(200), REQUESTS, "credit-express"))
        compared.end()
    assert compared.statuses[200] > REQUESTS / 2


def test_each_of_a_group_has_its_own_answer_and_record(server: Running) -> None:
    """Faults and warnings in the middle of it change no other's."""
    ages = [20 + i for i in range(MANY)]
    bodies = [json.dumps(FIT | {"AGE": age}).encode() for age in ages]
    bodies[3] = json.dumps(FIT | {"AGE": "x"}).encode()
    bodies[7] = json.dumps(FIT | {"AGE": 99999}).encode()
    bodies[8] = BODY[:-1]
    for body in bodies:
        assert raw(server, known(body, "Connection: close\r\n"))
    requests = [known(body) for body in bodies]
    for _ in range(2):  # then every head is known
        answers = together(server, requests)
    statuses = [int(answer.split()[1]) for answer in answers]
    assert statuses == [422 if i == 3 else 400 if i == 8 else 200 for i in range(MANY)]
    told = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    records = {each["request_id"]: each for each in server.records()}
    for age, body, said in zip(ages, bodies, told, strict=True):
        record = records[said["request_id"]]
        if record["kind"] == "score":
            assert record["features"] == json.loads(body)
            assert record["prediction"] == said["probability"]
            assert record["features"]["AGE"] in {age, 99999}
    assert told[7]["warnings"] == ["range:AGE"]


def test_the_parts_of_a_head_around_the_id_make_the_whole_head() -> None:
    own = [(b"date", b"today")]
    path = FastPath({}, GroupCommit(InFlight(1), None))  # type: ignore[arg-type]
    for out in (JSON, MESSAGE_PACK):
        for close in (b"", CLOSE):
            before, behind = around_id(out)
            written = b"%bname%b2\r\n\r\n{}" % (before, behind)
            answer = Answer("name", 200, [], b"", written)
            wanted = whole(200, [*own, *head_of(out, "name")], b"{}", close)
            assert path.whole(own, answer, close) == wanted


def test_a_group_whose_record_cannot_be_written_is_refused(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """No answer without its record: 20 lines do not fit into what a file may hold."""
    with serve(bundle, tmp_path) as up:
        assert together(up, [known()] * 3)[0].startswith(b"HTTP/1.1 200")
        (worker,) = up.workers()
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (5000, 5000))
        answers = together(up, [known()] * MANY)
        assert {answer[9:12] for answer in answers} == {b"503"}
        assert {b"written" in answer for answer in answers} == {True}
        assert len(up.records()) == 3


def test_a_revoked_key_is_refused_in_a_group_too(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """The keys are read again once a second; the head is known by then."""
    file = tmp_path / "keys"
    request = known(more=f"X-API-Key: {create(file, 'bank', ('score',))}\r\n")
    with serve(bundle, tmp_path, "--keys", str(file)) as up, ExitStack() as stack:
        asking = [stack.enter_context(sender(up.port, b"")) for _ in range(MANY)]

        def statuses() -> set[bytes]:
            for each in asking:
                each.sendall(request)
            return {each.recv(65536)[9:12] for each in asking}

        assert [statuses(), statuses()] == [{b"200"}] * 2
        line = msgspec.json.decode(file.read_bytes())
        file.write_bytes(msgspec.json.encode(line | {"revoked": True}) + b"\n")
        until(lambda: statuses() == {b"401"})
