"""Run the built image with docker, as locked down as it is meant to run."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

DOCKER = os.environ.get("DOCKER", "docker")
IMAGE = os.environ.get("IMAGE", "credit-express")
LOCKED = [
    "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65532",
]  # fmt: skip


def docker(*arguments: str) -> str:
    """Run docker; returns stdout without the last line end."""
    done = subprocess.run([DOCKER, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def skip_without_image() -> None:
    """Skip where docker or the image is missing; `make image-test` names the image, and fails."""
    if shutil.which(DOCKER) is None:
        pytest.skip("no docker client")
    if subprocess.run([DOCKER, "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker daemon answers")
    known = subprocess.run([DOCKER, "image", "inspect", IMAGE], capture_output=True, check=False)
    if known.returncode and "IMAGE" not in os.environ:
        pytest.skip(f"no image {IMAGE}: make image")
    assert known.returncode == 0, f"no image {IMAGE}: make image"


@dataclass(frozen=True)
class Container:
    """A running container of the image."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Where it answers, on the host's network."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id, on the host, of the container's PID 1."""
        return int(docker("inspect", "-f", "{{.State.Pid}}", self.name))

    def wait(self) -> None:
        """Wait until it said that it is ready."""
        deadline = time.monotonic() + 30
        while '"event": "ready"' not in docker("logs", self.name):
            state = json.loads(docker("inspect", "-f", "{{json .State}}", self.name))
            assert state["Running"], docker("logs", self.name)
            assert time.monotonic() < deadline, "not ready after 30 s"
            time.sleep(0.02)

    def changed(self) -> list[str]:
        """Return what differs from the image outside of volumes."""
        return docker("diff", self.name).splitlines()

    def read(self, folder: str) -> bytes:
        """Return a folder of the container as a tar archive."""
        command = [DOCKER, "cp", f"{self.name}:{folder}", "-"]
        return subprocess.run(command, capture_output=True, check=True).stdout


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def container(
    *flags: str, network: str = "host", options: tuple[str, ...] = ()
) -> Iterator[Container]:
    """Run the image with the server's `flags` and docker's `options` until the block ends."""
    port = free_port()
    name = docker(
        "run", "--detach", *LOCKED, "--network", network, *options,
        "--env", f"CREDIT_PORT={port}", "--env", "CREDIT_HOST=127.0.0.1", IMAGE, *flags,
    )  # fmt: skip
    try:
        up = Container(name, port)
        up.wait()
        yield up
    finally:
        docker("rm", "--force", "--volumes", name)
