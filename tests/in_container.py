"""A pytest plugin: every `python -m server` of the suite runs on the image's files, in a container.

    pytest -p tests.in_container tests/server       what `make image-suite` does

A container of the image idles; each server process is started inside its mount namespace, so that
it sees the image's read-only root and nothing of the checkout, while process ids, signals and
ports stay those the tests know. Needs root, nsenter and docker.

Temporary folders lie on a shared mount: a small disk that a test mounts is there inside too.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.container import LOCKED, docker, skip_without_image

NAME = f"credit-express-suite-{os.getpid()}"
PYTHON = "/usr/bin/python3.11"
IDLE = "import signal; signal.pause()"
SERVER = [sys.executable, "-m", "server"]
ENVIRONMENT = {
    "PYTHONPATH": "/app", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONOPTIMIZE": "2", "OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1",
}  # fmt: skip
MODELS = Path(__file__).parent.parent / "models"
SHARED = Path(tempfile.gettempdir()) / NAME
inside: list[str] = []
started = 0


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """subprocess.Popen, which moves the server into the container."""

    def __init__(self, args: Any, *more: Any, **named: Any) -> None:
        if inside and list(args)[:3] == SERVER:
            global started
            started += 1
            given = named.get("env") or os.environ
            named["env"] = {**given, **ENVIRONMENT}
            args = [*inside, PYTHON, "-m", "server", *list(args)[3:]]
        super().__init__(args, *more, **named)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the shared mount, before pytest makes a folder in it."""
    SHARED.mkdir()
    SHARED.chmod(0o1777)  # as /tmp is: some tests are another user for a while
    for options in (["--bind", str(SHARED)], ["--make-rshared"]):
        subprocess.run(["mount", *options, str(SHARED)], check=True)
    config.option.basetemp = SHARED / "pytest"
    tempfile.tempdir = str(SHARED)  # of what tests make without pytest, too


def pytest_sessionstart() -> None:
    """Start the idle container."""
    skip_without_image()
    docker(
        "run", "--detach", "--rm", "--name", NAME, *LOCKED, "--network", "host",
        "--volume", f"{SHARED}:{SHARED}:rslave", "--volume", f"{MODELS}:{MODELS}:ro",
        "--entrypoint", PYTHON,
        os.environ.get("IMAGE", "credit-express"), "-c", IDLE,
    )  # fmt: skip
    pid = docker("inspect", "-f", "{{.State.Pid}}", NAME)
    inside.extend(["nsenter", f"--target={pid}", "--mount", "--root", "--wdns=/app", "--"])
    subprocess.Popen = Popen  # type: ignore[misc]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out Parquet, which the image does not read: it holds no pyarrow."""
    without = [item for item in items if "parquet" in item.name or writes_parquet(item)]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


def writes_parquet(item: pytest.Item) -> bool:
    """Whether a test's own code names Parquet."""
    code = item.function.__code__  # type: ignore[attr-defined]
    return any("parquet" in str(word) for word in (*code.co_consts, *code.co_names))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many servers ran inside, for none would prove nothing."""
    terminalreporter.write_line(f"{started} server processes ran on the image's files")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the container; a worker tells how many servers it ran."""
    if inside:
        docker("rm", "--force", NAME)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["started"] = started


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Count a worker's servers."""
    global started
    started += node.workeroutput.get("started", 0)


def pytest_unconfigure() -> None:
    """Give the mount back."""
    subprocess.run(["umount", "--lazy", str(SHARED)], check=True)
    shutil.rmtree(SHARED)
