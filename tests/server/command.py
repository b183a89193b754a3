"""The server's command line, run to its end."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import ROOT, environment


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT, env=environment() | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one line that says why; a slow run may have told its progress before."""
    assert done.returncode == 2
    lines = done.stderr.splitlines(keepends=True)
    said = [line for line in lines if not line.endswith((" a second\n", " s left\n"))]
    assert len(said) == 1, done.stderr
    return said[0]


@contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "server", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL
    ) as process:
        yield process
