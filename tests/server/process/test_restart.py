"""Processes that die: who is replaced, how soon, and what is counted."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from server.process import restart
from tests.conftest import ROOT, Serve, Trained
from tests.ports import free_ports
from tests.posting import metric
from tests.server.process.sending import admin_of, some
from tests.waiting import ZOMBIE, state, until


def test_a_dead_worker_is_replaced_and_its_counts_stay(
    bundle: Path, trained: Trained, serve: Serve, log: Path
) -> None:
    with serve(bundle, log, "--workers", "2") as up:
        asyncio.run(some(up, trained, 40))
        before = set(up.workers())
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(set(up.workers()) - before) == 1)
        assert asyncio.run(some(up, trained, 40)) == 40
        assert metric(up, 'credit_requests_total{endpoint="score",status="200"}') == 80
        assert metric(up, "credit_worker_restarts_total") == 1


def test_workers_end_when_their_supervisor_is_killed(bundle: Path, serve: Serve, log: Path) -> None:
    with serve(bundle, log, ends_with=-signal.SIGKILL) as up:
        workers = up.workers()
        up.process.kill()
    assert len(workers) == 1
    until(lambda: not Path(f"/proc/{workers[0]}").exists() or state(workers[0]) == ZOMBIE)


NEVER_READY = """
import socket
from server.metrics.counters import Table
from server.process.supervisor import Processes, Supervisor
def work(*_): raise OSError("no room")
processes = Processes(work, 2, Table(8), None, lambda: None, 1.0)
Supervisor(lambda: None, None, processes).run(lambda: print("ready"))
"""


def test_nobody_is_told_ready_where_no_worker_is() -> None:
    """The start is refused instead, and what the workers said stands before it."""
    done = subprocess.run(
        [sys.executable, "-c", NEVER_READY], cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout == ""
    assert "no room" in done.stderr
    assert "WorkersError: workers: 2 wanted" in done.stderr


DIES_YOUNG = """
import socket, sys
from server.metrics.counters import Table
from server.process.supervisor import Processes, Supervisor
def work(catalog, row, ready):
    ready()
    sys.stdout.write(".")
processes = Processes(work, 1, Table(8), None, lambda: None, 1.0)
Supervisor(lambda: None, None, processes).run(lambda: None)
"""


def test_a_worker_that_keeps_dying_young_is_waited_for_longer_and_a_stop_does_not_wait() -> None:
    """One, then two, then four seconds; the third pause ends with SIGTERM and no other worker."""
    with subprocess.Popen(
        [sys.executable, "-c", DIES_YOUNG], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr
        said = [process.stderr.readline() for _ in range(3)]
        process.terminate()
        started, _ = process.communicate(timeout=60)
    assert [line.rsplit("in ", 1)[1] for line in said] == ["1 s\n", "2 s\n", "4 s\n"]
    assert started == "..."
    assert process.returncode == 0


def test_the_pause_before_a_restart_has_a_bound_and_ends_with_a_long_enough_life() -> None:
    pauses, pause = [], restart.FIRST_SECONDS
    for _ in range(7):
        again = restart.after(0.0, pause, now=0.5)
        pauses.append(again.at - 0.5)
        pause = again.pause
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert restart.after(0.0, pause, now=29.0) == restart.Restart(59.0, 30.0)
    assert restart.after(0.0, pause, now=30.0) == restart.Restart(30.0, 1.0)


def test_the_admin_process_is_replaced_and_says_every_error_in_its_way(
    bundle: Path, serve: Serve, log: Path
) -> None:
    port = free_ports()
    with serve(bundle, log, "--port", str(port), "--admin-port", str(port + 1)) as up:
        admin = admin_of(up)
        for path, status in (
            ("/v2/none", 404), ("/v2/repository/index", 405),
            ("/v2/repository/models/small/frob", 405),
        ):  # fmt: skip
            answer = httpx.get(admin + path)
            assert answer.status_code == status
            assert set(answer.json()) == {"error"}
        answer = httpx.get(f"{admin}/none")
        assert (answer.status_code, answer.json()["status"]) == (404, 404)
        first = min(up.workers())  # forked before the workers
        os.kill(first, signal.SIGKILL)
        until(lambda: first not in up.workers() and len(up.workers()) == 2)
        assert httpx.get(f"{admin}/models", timeout=30).status_code == 200
        assert metric(up, "credit_worker_restarts_total") == 0
