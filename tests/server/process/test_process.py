"""Versions, hot swap, restarts, drain and exact metrics, over real processes and sockets."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import httpx

from bench.load import generator
from bench.load.generator import Plan, Report, drive
from tests.conftest import Running, Serve, Trained
from tests.ports import free_ports
from tests.posting import answers, metric, posts
from tests.server.process.sending import bodies, more_records
from tests.server.wire import KNOWN
from tests.waiting import until


def test_metrics_over_four_workers_add_up_exactly(
    bundle: Path, trained: Trained, serve: Serve, log: Path
) -> None:
    """To what the client counted, and to the records in the log."""
    good, bad = bodies(trained, 100), [b'{"AGE": 1}'] * 20
    with serve(bundle, log, "--workers", "4") as up:
        report = drive(Plan(up.port, 12, 1.0, grace=20), posts(good + bad))
        assert set(report.statuses) == {200, 422}
        assert report.unanswered == 0
        scored, refused = report.statuses[200], report.statuses[422]
        assert metric(up, 'credit_requests_total{endpoint="score",status="200"}') == scored
        assert metric(up, 'credit_requests_total{endpoint="score",status="422"}') == refused
        assert metric(up, "credit_applicants_total") == scored
        assert metric(up, 'credit_stage_seconds_count{stage="total"}') == scored + refused
        decided = [
            metric(up, f'credit_decisions_total{{decision="{each}"}}')
            for each in ("approve", "refer", "refuse")
        ]
        assert sum(decided) == scored
        kinds = [record["kind"] for record in up.records()]
        assert (kinds.count("score"), kinds.count("refused")) == (scored, refused)


def test_sigterm_under_load_loses_no_request_and_no_record(
    bundle: Path, trained: Trained, serve: Serve, log: Path
) -> None:
    with serve(bundle, log, "--workers", "2") as up:
        plan, keep = Plan(up.port, 8, 60, grace=20), frozenset({200})

        async def terminate() -> Report:
            load = asyncio.create_task(generator.run(plan, posts(bodies(trained)), keep=keep))
            await more_records(up, 200)
            up.process.terminate()
            return await load

        report = asyncio.run(terminate())
        assert up.process.wait(timeout=20) == 0
        assert set(report.statuses) == {200}
        assert report.unanswered == 0
        answered = {answer["request_id"] for answer in answers(report)}
        assert len(answered) == report.answered
        assert answered == {record["request_id"] for record in up.records()}


def test_ready_says_no_while_draining(bundle: Path, serve: Serve, log: Path) -> None:
    flags = ("--drain-delay-seconds", "120")
    with serve(bundle, log, *flags, ends_with=-signal.SIGKILL) as up:
        assert httpx.get(f"{up.url}/readyz").json() == {"ready": True}
        up.process.terminate()
        until(lambda: httpx.get(f"{up.url}/readyz").status_code == 503)
        assert httpx.get(f"{up.url}/livez").status_code == 200
        up.process.kill()


def test_a_hung_connection_is_cut_at_the_drain_bound_and_not_at_twice_that(
    bundle: Path, serve: Serve, log: Path
) -> None:
    """A body that never becomes whole: the stop takes 8 seconds, not 8 and 8 again."""
    with (
        serve(bundle, log, "--drain-seconds", "8") as up,
        socket.create_connection(("127.0.0.1", up.port)) as hung,
    ):
        hung.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert httpx.get(f"{up.url}/livez").status_code == 200
        up.process.terminate()
        assert up.process.wait(timeout=15) == 0


def stopped(server: Running, seconds: float = 20) -> int:
    return server.process.wait(timeout=seconds)


def test_signals_during_a_drain_change_nothing(bundle: Path, serve: Serve, log: Path) -> None:
    """An impatient second SIGTERM, and a reload that would start new workers."""
    port = free_ports()
    flags = ("--port", str(port), "--admin-port", str(port + 1), "--drain-seconds", "120")
    with (
        serve(bundle, log, *flags) as up,
        socket.create_connection(("127.0.0.1", up.port)) as last,
    ):
        last.sendall(KNOWN[:-1])
        assert httpx.get(f"{up.url}/livez").status_code == 200
        before = up.workers()
        up.process.terminate()
        until(lambda: not accepts(port))
        up.process.send_signal(signal.SIGHUP)
        up.process.terminate()
        last.sendall(KNOWN[-1:])
        assert last.recv(65536).startswith(b"HTTP/1.1 200")
        seen = set(before)
        while up.process.poll() is None:
            with suppress(OSError):  # it ended since
                seen |= set(up.workers())
        assert seen == set(before)
        assert stopped(up) == 0


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


def test_a_worker_that_answers_no_signal_does_not_hold_up_the_end(
    bundle: Path, serve: Serve, log: Path
) -> None:
    with serve(bundle, log, "--drain-seconds", "1") as up:
        os.kill(up.workers()[0], signal.SIGSTOP)
        up.process.terminate()
        assert stopped(up) == 0
