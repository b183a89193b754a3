"""The record under stress: kill -9, a full disk, a deleted folder, a limit on a file's size."""

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitoring.__main__ import main
from tests.conftest import Running, Serve, Trained, applicants
from tests.long.crash_log import rounds
from tests.server.asking import stopped
from tests.server.record.sending import UNFIT, post, recorded
from tests.server.wire import FIT, scoring, senders

pytestmark = pytest.mark.slow

BOTH_LANES = True


KILLS = 10


def test_every_answer_received_before_a_kill_is_in_the_log(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    """The long form: make crash-test."""
    (tmp_path / "log").mkdir()
    asked = applicants(trained.held_out[:200])
    tally = rounds(bundle, asked, tmp_path / "log", KILLS, random.Random(7))
    assert tally.answered > 0
    assert main(["log", "verify", str(tmp_path / "log")]) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 kB of its own."""
    if os.geteuid() or sys.platform != "linux":
        pytest.skip("mounting a tmpfs wants root on Linux")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"mounting a tmpfs is not allowed here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space but a little."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass
    return filler


def answered_until(server: Running, status: int, name: str, most: int = 2000) -> list[str]:
    """Post until an answer has `status`; return the request ids answered 200 before."""
    good: list[str] = []
    for number in range(most):
        answer = post(server, request_id=f"{name}-{number}")
        if answer.status_code == status:
            return good
        assert answer.status_code == 200, answer.text
        good.append(f"{name}-{number}")
    raise AssertionError(f"no {status} in {most} requests")


def wait_for(server: Running, request_id: str) -> None:
    """Post one request again and again until it is recorded; a second is what it should take."""
    give_up = time.monotonic() + 30
    while (answer := post(server, request_id=request_id)).status_code == 503:
        assert time.monotonic() < give_up, answer.text
    assert answer.status_code == 200


def alarms_in(stderr: str) -> list[dict[str, Any]]:
    """Return the alarms of the record; a start may have had something to say before them."""
    return [line for line in map(json.loads, stderr.splitlines()) if "event" in line]


def test_a_full_disk_refuses_and_recovers_without_restart(
    bundle: Path, serve: Serve, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serve(bundle, small_disk) as server:
        answered = answered_until(server, 200, "before")
        filler = fill(small_disk)
        answered += answered_until(server, 503, "full")
        refused = post(server, request_id="refused")
        assert refused.status_code == 503
        assert "No space left on device" in refused.json()["detail"]
        filler.unlink()
        for number in range(5):
            assert post(server, request_id=f"after-{number}").status_code == 200
            answered.append(f"after-{number}")
        ids = recorded(server)  # every line whole: the one written in part was taken back
    assert set(answered) <= set(ids)
    assert "refused" not in ids
    assert ids[0] == "before-0"
    alarms = alarms_in(capfd.readouterr().err)
    events = [alarm["event"] for alarm in alarms]
    assert events == ["prediction log unwritable", "prediction log written again"]
    assert alarms[1]["requests"] == 2
    assert alarms[1]["answers_unrecorded"] == 0


def test_a_full_disk_refuses_every_score_of_a_turn_and_nothing_else(
    bundle: Path, serve: Serve, small_disk: Path
) -> None:
    """Scores that share a write share its fate; a refusal among them stays the refusal it is."""
    with serve(bundle, small_disk) as server:
        post(server)
        filler = fill(small_disk)
        answered_until(server, 503, "full")
        before = len(server.records())
        sent = [FIT, FIT, UNFIT, FIT]
        with senders(server.port, b"", len(sent)) as asking:
            with stopped(server, connected=len(sent)):
                for connection, applicant in zip(asking, sent, strict=True):
                    connection.sendall(scoring(json.dumps(applicant).encode()))
            answers = [connection.recv(65536).split()[1] for connection in asking]
        assert answers == [b"503", b"503", b"422", b"503"]
        filler.unlink()
        answered_until(server, 200, "room")
        after = [each["request_id"] for each in server.records()[before:]]
        assert after
        assert all(each.startswith("room") for each in after)


def test_a_full_disk_answers_and_counts_where_the_setting_says_so(
    bundle: Path, serve: Serve, small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serve(bundle, small_disk, "--log-on-failure", "answer") as server:
        filler = fill(small_disk)
        sent = 0
        while sent < 2000 and "unwritable" not in capfd.readouterr().err:
            assert post(server, request_id=f"full-{sent}").status_code == 200
            sent += 1
        batch = post(server, [FIT] * 1000, request_id="batch")
        assert batch.status_code == 200
        filler.unlink()
        assert post(server, request_id="after").status_code == 200
        ids = recorded(server)
        assert "after" in ids
        assert "batch" not in ids
        lost = sent - len([i for i in ids if i.startswith("full")])
    [again] = alarms_in(capfd.readouterr().err)
    assert again["event"] == "prediction log written again"
    assert again["answers_unrecorded"] == lost + 1000


def test_a_deleted_folder_is_noticed_and_written_again_once_it_is_back(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serve(bundle, tmp_path, "--log-dir", str(log)) as server:
        answered_until(server, 200, "one")
        post(server, request_id="lost with its file")
        for path in log.iterdir():
            path.unlink()
        log.rmdir()
        answered_until(server, 503, "gone", most=100_000)
        log.mkdir()
        wait_for(server, "back")
        [segment] = log.glob("*.jsonl")
        assert [json.loads(line)["request_id"] for line in segment.read_bytes().splitlines()] == [
            "back"
        ]


def test_a_limit_on_the_size_of_a_file_begins_a_new_one(
    bundle: Path, serve: Serve, tmp_path: Path
) -> None:
    """EFBIG, as a quota of some file systems gives it: refused for a second, then a new file."""
    with serve(bundle, tmp_path) as server:
        (worker,) = server.workers()
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (5000, 5000))
        answered = answered_until(server, 503, "one")
        wait_for(server, "next")
        assert set(answered) | {"next"} <= set(recorded(server))
        assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_a_full_disk_refuses_what_the_inference_protocol_scored_and_nothing_else(
    bundle: Path, serve: Serve, small_disk: Path
) -> None:
    count = 64  # lines enough that what is left on the disk does not hold them
    tensor = {"name": "X", "datatype": "FP64", "shape": [count, 5]}
    rows = [40, 1000.5, 0.5, 0, 1] * count
    with serve(bundle, small_disk) as server:
        url = f"{server.url}/v2/models/small/infer"
        fill(small_disk)
        answered_until(server, 503, "full")
        before = len(server.records())
        good = httpx.post(url, json={"inputs": [{**tensor, "data": rows}]})
        bad = httpx.post(url, json={"inputs": [{**tensor, "data": rows[:-1]}]})
        assert len(server.records()) - before in {0, 1}  # the short line of a refusal may fit
    assert (good.status_code, bad.status_code) == (503, 400)
    assert good.json()["error"].startswith("the prediction log cannot be written: ")
    assert good.json().keys() == {"error"}
