"""`make serve` shows its own server's answer or none, and leaves no server behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models import demo
from tests.conftest import ROOT, Running, Serve, environment
from tests.waiting import until

pytestmark = pytest.mark.slow

BUNDLE = ROOT / "models" / "credit-express" / "1"
APPLICANT = ROOT / "models" / "credit-express" / "applicant.json"


@contextmanager
def demonstration(folder: Path, port: int) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "models.demo", "--model", str(BUNDLE), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--applicant", str(APPLICANT)], cwd=ROOT, text=True,
        env=environment() | {"CREDIT_LOG_DIR": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def until_it_stays(process: "subprocess.Popen[str]") -> str:
    """Read what it prints up to the line that it stays; return all of it."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "The server goes on" in line:
            return said
    raise AssertionError(said)


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_server_that_was_there_before_is_not_asked(serve: Serve, tmp_path: Path) -> None:
    """It has the same model, so its answer would be equal in every bit."""
    with serve(BUNDLE, tmp_path) as stranger:
        with demonstration(tmp_path / "log", stranger.port) as process:
            printed, said = process.communicate(timeout=60)
        assert stranger.records() == []
    assert process.returncode == 1
    assert printed == ""
    found = re.fullmatch(rf"port {stranger.port} is taken: make serve PORT=(\d+)\n", said)
    assert found, said
    socket.create_server(("127.0.0.1", int(found[1]))).close()


def test_it_asks_where_its_own_server_says_it_listens(tmp_path: Path) -> None:
    with demonstration(tmp_path, 0) as process:
        said = until_it_stays(process)
        ready = json.loads(said.splitlines()[0])
        assert f"posted to {ready['url']}/score" in said
        assert "equal in every bit" in said
        assert "The server goes on at " + ready["url"] in said


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGKILL, -9)],
    ids=lambda each: getattr(each, "name", ""),
)
def test_its_server_ends_with_it(number: signal.Signals, code: int, tmp_path: Path) -> None:
    with demonstration(tmp_path, 0) as process:
        until_it_stays(process)
        server = Path(f"/proc/{child_of(process.pid)}")
        assert server.exists()
        process.send_signal(number)
        assert process.wait(60) == code
        until(lambda: not server.exists())


def test_a_server_that_ends_by_itself_is_no_success(tmp_path: Path) -> None:
    with demonstration(tmp_path, 0) as process:
        until_it_stays(process)
        os.kill(child_of(process.pid), signal.SIGTERM)
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert "the server ended by itself, exit code 0" in process.stderr.read()


def test_the_answer_of_another_model_is_not_compared(bundle: Path, server: Running) -> None:
    """A server over another bundle than the one that is shown."""
    ready = {"host": "127.0.0.1", "port": server.port, "url": server.url}
    applicant = {"AGE": 41, "INCOME": 1e4, "DEBT-RATIO": 0.2, "KIND": "car", "REGION": 1}
    answer = demo.post(ready, json.dumps(applicant).encode())
    demo.refuse_another_model(answer, bundle)
    with pytest.raises(SystemExit, match=f"is of model {answer['model']['sha256']}, not of"):
        demo.refuse_another_model(answer, BUNDLE)
