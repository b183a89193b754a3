"""The door of gRPC: off by default, and refused in one line where it cannot open."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Running, environment
from tests.server.command import refused, run
from tests.server.grpc.calling import port_of

# Runs the server as where these packages are not installed.
WITHOUT = """
import runpy, sys
sys.modules["{name}"] = None
sys.argv[0] = "server"
runpy.run_module("server", run_name="__main__")
"""


@pytest.mark.parametrize("name", ["h2", "google.protobuf"])
def test_without_its_packages_the_start_is_refused(bundle: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(name=name), "--model", str(bundle), "--check",
         "--grpc-port", "0"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = refused(done)
    assert said.startswith("server: settings: grpc_port: needs ")
    assert said.endswith("(pip install h2 protobuf, or the extra grpc of credit-express)\n")


def test_a_port_in_use_refuses_the_start(server: Running, bundle: Path, tmp_path: Path) -> None:
    port = str(port_of(server))
    said = refused(
        run("--model", str(bundle), "--port", "0", "--grpc-port", port, "--log-dir", str(tmp_path))
    )
    assert said.startswith(f"server: cannot listen on 127.0.0.1 port {port}: ")


def test_without_the_flag_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, server.run; print(*[m for m in sys.modules if m.startswith(('h2', 'google'))])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert loaded.split() == []
