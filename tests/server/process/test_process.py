"""Versions, hot swap, restarts, drain and exact metrics, over real processes and sockets."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import numpy as np
import pytest

from server.process import restart
from tests.conftest import ROOT, Running, Serve, Trained, applicants, convert, label, make_rows
from tests.long.server_load import Load, Tally
from tests.long.server_long import free_ports

Probabilities = dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]


@pytest.fixture(scope="module")
def second(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> lgb.Booster:
    """A second version, with other scores for every applicant."""
    options = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 3}
    rows = make_rows(3000, 11)
    return lgb.train(options, lgb.Dataset(rows, label(rows, 12)), num_boost_round=25)


@pytest.fixture
def models(bundle: Path, second: lgb.Booster, tmp_path: Path) -> Path:
    """A folder `models` with small/1; small/2 stands beside it, ready to be moved in."""
    folder = tmp_path / "models"
    (folder / "small").mkdir(parents=True)
    os.symlink(bundle, folder / "small" / "1")
    second.save_model(tmp_path / "second.txt")
    make_rows(500, 11).to_parquet(tmp_path / "rows.parquet")
    convert(
        tmp_path / "second.txt", "--name", "small", "--version", "2", "--out",
        str(tmp_path / "later"), "--reference", str(tmp_path / "rows.parquet"),
        "--threshold", "0.3",
    )  # fmt: skip
    return folder


def add_second(models: Path) -> None:
    os.symlink(models.parent / "later" / "small" / "2", models / "small" / "2")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def bodies(trained: Trained, count: int = 200) -> list[bytes]:
    return [json.dumps(each).encode() for each in applicants(trained.held_out[:count])]


def admin_of(server: Running) -> str:
    """The admin port is printed nowhere; the tests choose it."""
    return f"http://127.0.0.1:{server.port + 1}"


def versions(server: Running) -> list[str]:
    return [m["version"] for m in httpx.get(f"{server.url}/models").json()["models"]]


def until(condition: Any, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.05)


def test_versions_are_served_side_by_side_and_the_newest_answers(
    models: Path, trained: Trained, second: lgb.Booster, serve: Serve, log: Path
) -> None:
    add_second(models)
    row = trained.held_out[:1]
    wanted = {"1": trained.booster.predict(row)[0], "2": second.predict(row)[0]}
    with serve(models, log) as up:
        for path, version in (
            ("/models/small/versions/1/score", "1"),
            ("/models/small/versions/2/score", "2"),
            ("/models/small/score", "2"),
            ("/score", "2"),
        ):
            answer = httpx.post(f"{up.url}{path}", json=applicants(row)[0]).json()
            assert answer["model"]["version"] == version
            assert answer["probability"] == wanted[version]
        missing = httpx.post(f"{up.url}/models/small/versions/3/score", json={})
        assert missing.status_code == 404
    with serve(models, log, "--default", "small/1") as up:
        assert (
            httpx.post(f"{up.url}/score", json=applicants(row)[0]).json()["model"]["version"] == "1"
        )


async def swap_under_load(server: Running, models: Path, trained: Trained, swaps: int) -> Tally:
    """Add and remove the second version `swaps` times while clients post."""
    load = Load(server.port, bodies(trained), clients=6, keep_answers=True)
    done = asyncio.Event()
    load.stop = done.is_set
    running = asyncio.create_task(load.run())
    for i in range(swaps):
        add_second(models) if i % 2 == 0 else (models / "small" / "2").unlink()
        async with httpx.AsyncClient(timeout=60) as client:
            reply = await client.post(f"{admin_of(server)}/models/reload")
        assert reply.status_code == 200, reply.text
        await asyncio.sleep(0.1)
    done.set()
    return await running


def consistent(tally: Tally, trained: Trained, second: lgb.Booster) -> set[str]:
    """Return the versions that answered; every answer must be one version's wholly."""
    rows = trained.held_out[:200]
    known = {
        "1": set(np.asarray(trained.booster.predict(rows)).tolist()),
        "2": set(np.asarray(second.predict(rows)).tolist()),
    }
    for answer in tally.answers:
        version = answer["model"]["version"]
        assert answer["probability"] in known[version]
        assert answer["threshold"] == {"1": 0.4, "2": 0.3}[version]
    return {answer["model"]["version"] for answer in tally.answers}


def test_no_request_fails_while_versions_are_swapped(
    models: Path, trained: Trained, second: lgb.Booster, serve: Serve, log: Path
) -> None:
    """The long form: python -m tests.long.server_long."""
    port = free_ports()
    with serve(
        models, log, "--workers", "2", "--port", str(port), "--admin-port", str(port + 1)
    ) as up:
        tally = asyncio.run(swap_under_load(up, models, trained, 6))
    assert tally.failed == []
    assert tally.refused_connections == 0
    assert set(tally.statuses) == {200}
    assert consistent(tally, trained, second) == {"1", "2"}


def test_sighup_loads_and_a_version_that_does_not_load_changes_nothing(
    models: Path, serve: Serve, log: Path
) -> None:
    with serve(models, log) as up:
        assert versions(up) == ["1"]
        add_second(models)
        up.process.send_signal(signal.SIGHUP)
        until(lambda: versions(up) == ["1", "2"])
        broken = models / "small" / "3"
        broken.mkdir()
        (broken / "manifest.json").write_text("{}")
        up.process.send_signal(signal.SIGHUP)
        time.sleep(1.0)
        assert versions(up) == ["1", "2"]


def test_the_admin_surface_says_why_a_version_did_not_load(
    models: Path, serve: Serve, log: Path
) -> None:
    port = free_ports()
    (models / "small" / "9").mkdir()
    with serve(models, log, "--port", str(port), "--admin-port", str(port + 1)) as up:
        (models / "small" / "9" / "manifest.json").write_text("{}")
        reply = httpx.post(f"{admin_of(up)}/models/reload", timeout=30)
        assert reply.status_code == 409
        assert "small/9/manifest.json" in reply.json()["error"]
        assert httpx.post(f"{admin_of(up)}/v2/repository/models/nope/load").status_code == 400
        assert httpx.post(f"{admin_of(up)}/v2/repository/index").json()[0]["name"] == "small"
        assert httpx.post(f"{up.url}/models/reload").status_code == 404


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


async def some(server: Running, trained: Trained, count: int) -> int:
    async with httpx.AsyncClient() as client:
        for body in bodies(trained, count):
            answer = await client.post(
                f"{server.url}/score", content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 200
    return count


def metric(server: Running, name: str) -> float:
    text = httpx.get(f"{server.url}/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    assert found, f"{name} not in\n{text}"
    return float(found[1])


def test_metrics_over_four_workers_add_up_exactly(
    bundle: Path, trained: Trained, serve: Serve, log: Path
) -> None:
    """To what the client counted, and to the records in the log."""
    good, bad = bodies(trained, 100), [b'{"AGE": 1}'] * 20
    with serve(bundle, log, "--workers", "4") as up:
        load = Load(up.port, good + bad, clients=12)
        end = time.monotonic() + 2.0
        load.stop = lambda: time.monotonic() > end
        tally = asyncio.run(load.run())
        assert tally.failed == []
        scored, refused = tally.statuses[200], tally.statuses[422]
        assert scored
        assert refused
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
        load = Load(up.port, bodies(trained), clients=8, keep_answers=True)

        async def terminate() -> Tally:
            running = asyncio.create_task(load.run())
            await asyncio.sleep(1.0)
            up.process.terminate()
            return await running

        tally = asyncio.run(terminate())
        assert up.process.wait(timeout=20) == 0
        assert tally.failed == []
        assert tally.statuses[200] > 0
        answered = {answer["request_id"] for answer in tally.answers}
        assert answered == {record["request_id"] for record in up.records()}


def test_ready_says_no_while_draining(bundle: Path, serve: Serve, log: Path) -> None:
    with serve(bundle, log, "--drain-delay-seconds", "2") as up:
        assert httpx.get(f"{up.url}/readyz").json() == {"ready": True}
        up.process.terminate()
        until(lambda: httpx.get(f"{up.url}/readyz").status_code == 503, 1.5)
        assert httpx.get(f"{up.url}/livez").status_code == 200


def test_workers_end_when_their_supervisor_is_killed(bundle: Path, serve: Serve, log: Path) -> None:
    workers = []
    with suppress(AssertionError), serve(bundle, log) as up:  # it ends with -9, not 0
        workers = up.workers()
        up.process.kill()
    assert len(workers) == 1
    until(lambda: not Path(f"/proc/{workers[0]}").exists() or is_zombie(workers[0]))


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_shadow_is_scored_logged_and_compared_but_never_answers(
    models: Path, trained: Trained, second: lgb.Booster, serve: Serve, log: Path
) -> None:
    add_second(models)
    rows = trained.held_out[:30]
    with serve(models, log, "--default", "small/1", "--shadow", "small/2") as up:
        for each in applicants(rows):
            answer = httpx.post(f"{up.url}/score", json=each).json()
            assert answer["model"]["version"] == "1"
        until(lambda: metric(up, "credit_shadow_scored_total") == 30)
        shadows = [r["prediction"] for r in up.records() if r["kind"] == "shadow"]
        assert np.array(shadows).tobytes() == np.asarray(second.predict(rows)).tobytes()
        decided = (trained.prediction(rows) >= 0.4) != (np.array(shadows) >= 0.3)
        assert metric(up, "credit_shadow_disagreed_total") == decided.sum()
        assert metric(up, "credit_shadow_seconds_total") > 0


def test_a_hung_connection_is_cut_at_the_drain_bound_and_not_at_twice_that(
    bundle: Path, serve: Serve, log: Path
) -> None:
    """A body that never becomes whole: the stop takes 8 seconds, not 8 and 8 again."""
    with serve(bundle, log, "--drain-seconds", "8") as up:
        hung = socket.create_connection(("127.0.0.1", up.port))
        hung.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert httpx.get(f"{up.url}/livez").status_code == 200
        up.process.terminate()
        assert up.process.wait(timeout=15) == 0
    hung.close()


def stopped(server: Running, seconds: float = 20) -> int:
    return server.process.wait(timeout=seconds)


def test_signals_during_a_drain_change_nothing(bundle: Path, serve: Serve, log: Path) -> None:
    """An impatient second SIGTERM, and a reload that would start new workers."""
    port = free_ports()
    flags = ("--port", str(port), "--admin-port", str(port + 1), "--drain-delay-seconds", "2")
    with serve(bundle, log, *flags) as up:
        up.process.terminate()
        until(lambda: httpx.get(f"{up.url}/readyz").status_code == 503, 1.5)
        before = up.workers()
        up.process.send_signal(signal.SIGHUP)
        up.process.terminate()
        time.sleep(0.5)
        assert up.workers() == before
        assert stopped(up) == 0


def test_a_worker_that_answers_no_signal_does_not_hold_up_the_end(
    bundle: Path, serve: Serve, log: Path
) -> None:
    with serve(bundle, log, "--drain-seconds", "1") as up:
        os.kill(up.workers()[0], signal.SIGSTOP)
        up.process.terminate()
        assert stopped(up) == 0


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
        for path in ("/v2/none", "/v2/repository/index", "/v2/repository/models/small/frob"):
            answer = httpx.get(admin + path)
            assert answer.status_code in {404, 405}
            assert set(answer.json()) == {"error"}
        answer = httpx.get(f"{admin}/none")
        assert (answer.status_code, answer.json()["status"]) == (404, 404)
        first = min(up.workers())  # forked before the workers
        os.kill(first, signal.SIGKILL)
        until(lambda: first not in up.workers() and len(up.workers()) == 2)
        assert httpx.get(f"{admin}/models", timeout=30).status_code == 200
        assert metric(up, "credit_worker_restarts_total") == 0
