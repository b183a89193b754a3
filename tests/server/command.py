"""The server's command line, run to its end."""

import subprocess
import sys

from tests.conftest import ROOT, environment


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT, env=environment() | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
