"""The admin port and its process: no message ends the server, and neither outlives it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, Running, Serve, environment
from tests.ports import free_ports
from tests.server.wire import FIT
from tests.waiting import ZOMBIE, state, until


@pytest.fixture(scope="module")
def up(bundle: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of one model, with an admin port right above its own."""
    port = free_ports()
    log = tmp_path_factory.mktemp("log")
    with serve(bundle, log, "--port", str(port), "--admin-port", str(port + 1)) as running:
        yield running


LONG = ["x" * 257, "x" * 60_000, "ä" * 9_000, "%00" * 300, "%22%5C" * 5_000, "%F0%9F%98%80" * 300]
UNKNOWN = ["x" * 256, "%00", "%22", "%5C%0A", "%F0%9F%98%80" * 256, "%ED%A0%80", "%2E%2E", "'", "*"]


@pytest.mark.parametrize("name", LONG, ids=range(len(LONG)))
def test_a_long_name_is_refused_and_ends_nothing(up: Running, name: str) -> None:
    before = up.workers()
    answer = httpx.post(f"http://127.0.0.1:{up.port + 1}/v2/repository/models/{name}/load")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("name: wanted at most 256 characters, got ")
    assert httpx.post(f"{up.url}/score", json=FIT).status_code == 200
    assert up.workers() == before


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("verb", ["load", "unload"])
def test_an_odd_name_is_no_model(up: Running, name: str, verb: str) -> None:
    answer = httpx.post(f"http://127.0.0.1:{up.port + 1}/v2/repository/models/{name}/{verb}")
    assert answer.status_code == 400
    assert "no such model" in answer.json()["error"]


TALKS = """
import os, signal, sys
from server.scoring.catalog import load_all
from server.metrics.counters import Table
from server.process.supervisor import Processes, Supervisor
from server.settings import read
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
def work(catalog, row, ready):
    ready()
    signal.sigwait([signal.SIGTERM, signal.SIGUSR1])
def admin(control):
    lives, replies = eval(open(sys.argv[2]).read()), control.makefile("rb")
    life = len(os.listdir(sys.argv[3]))
    open(f"{sys.argv[3]}/{life}", "w").close()
    is_last = life == len(lives) - 1
    for pieces in lives[life]:
        for piece in pieces:
            control.sendall(piece)
        if is_last:
            sys.stdout.buffer.write(replies.readline())
            sys.stdout.flush()
    signal.pause() if is_last or sys.argv[4] == "waits" else os._exit(1)
models = load_all(read({}, {"model": sys.argv[1]}))
processes = Processes(work, 1, Table(8), admin, lambda: None, 1.0)
Supervisor(lambda care: models, models, processes).run(lambda: None)
"""
INDEX = b'{"verb":"index"}\n'
Life = list[list[bytes]]  # what is sent for each reply, in pieces


def asked(bundle: Path, place: Path, *lives: Life, end: str = "ends") -> list[str | None]:
    """Let admin processes, one after the other, ask; return the errors that the last one is told.

    At the end it asks for the index, too. Those before it end by themselves, or wait for it.
    """
    told = [*lives[:-1], [*lives[-1], [INDEX]]]
    (place / "lives").mkdir()
    (place / "told").write_text(repr(told))
    arguments = [str(bundle), str(place / "told"), str(place / "lives"), end]
    with subprocess.Popen(
        [sys.executable, "-c", TALKS, *arguments], cwd=ROOT, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout
        replies = [json.loads(process.stdout.readline()) for _ in told[-1]]
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert all(len(reply["models"]) == 1 for reply in replies)
    return [reply["error"] for reply in replies]


NOT_UNDERSTOOD = [
    b"", b"\xff\xfe", b"{}", b'{"verb":1}', b"[]", b"null", b'{"verb":"load"', b"\0", b"[" * 9000,
    b'{"verb":"index","model":7}', b'{"verb":"\xed\xa0\x80"}', b'{"verb":"' + b"x" * 60_000,
]  # fmt: skip


def test_a_message_that_is_not_understood_is_answered_and_ends_nothing(
    bundle: Path, tmp_path: Path
) -> None:
    *errors, last = asked(bundle, tmp_path, [[line + b"\n"] for line in NOT_UNDERSTOOD])
    assert all(error is not None and error.startswith("not understood: ") for error in errors)
    assert last is None


def test_messages_in_pieces_are_put_together(bundle: Path, tmp_path: Path) -> None:
    name = b"m" * 60_000
    pieces = [b'{"verb":"unl', b'oad","model":"' + name[:1], name[1:], b'"}', b"\n"]
    assert asked(bundle, tmp_path, [pieces]) == [name.decode()[:2000], None]


def test_a_process_that_never_ends_its_line_is_replaced(bundle: Path, tmp_path: Path) -> None:
    assert asked(bundle, tmp_path, [[b"x" * 200_000]], [], end="waits") == [None]


def test_a_reply_to_a_process_that_died_reaches_no_other(bundle: Path, tmp_path: Path) -> None:
    """The next one used to be told it."""
    gone = [[b'{"verb":"unload","model":"none"}\n']]
    assert asked(bundle, tmp_path, gone, []) == [None]


def test_nothing_outlives_a_killed_supervisor_and_a_restart_finds_its_addresses(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """Not even while a client holds a request open on the admin port."""
    port = free_ports()
    flags = ("--port", str(port), "--admin-port", str(port + 1), "--workers", "2",
             "--drain-delay-seconds", "60")  # fmt: skip
    for log in ("a", "b"):
        (tmp_path / log).mkdir()
    with serve(bundle, tmp_path / "a", *flags, ends_with=-signal.SIGKILL) as up:
        children = up.workers()
        assert httpx.get(f"http://127.0.0.1:{port + 1}/models").status_code == 200
        with socket.create_connection(("127.0.0.1", port + 1)) as held:
            asked = b"POST /models/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
            held.sendall(asked)
            up.process.kill()
            assert len(children) == 3
            for pid in children:
                until(lambda pid=pid: not Path(f"/proc/{pid}").exists() or state(pid) == ZOMBIE)
    with serve(bundle, tmp_path / "b", *flags[:-2]) as again:
        assert httpx.post(f"{again.url}/score", json=FIT).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port + 1}/models").status_code == 200


def test_the_admin_process_holds_no_other_socket_and_workers_not_its(up: Running) -> None:
    """Whoever dies first, its address is free."""
    admin, worker = sorted(up.workers())[:2]
    assert ports_of(admin) == {up.port + 1}
    assert ports_of(worker) == {up.port}


def ports_of(pid: int) -> set[int]:
    """Return the ports that a process listens on."""
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            held.add(os.readlink(descriptor))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in held]
    return {int(row[1].split(":")[1], 16) for row in listening}
