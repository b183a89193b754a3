"""Servers under test: started on a free port and a core of their own, ended and cleaned up."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import msgspec
import psutil

from .. import environments
from ..host import ROOT
from ..workload.models import Workload
from . import subjects
from .generator import Plan, Report, drive
from .subjects import Subject

START_SECONDS = 120.0
SERVER_CORE, GENERATOR_CORE = 0, 1


class ServerError(Exception):
    """A server that does not start or does not answer: the last line it said."""


class Running(msgspec.Struct, frozen=True):
    """A server that answered its first request well."""

    subject: Subject
    port: int
    process: "subprocess.Popen[bytes]"
    requests: list[bytes]
    start_s: float

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return the processor time the process and its children have used."""
        times = [each.cpu_times() for each in self._family()]
        return float(sum(each.user + each.system for each in times))

    def memory_mib(self) -> float:
        """Return the proportional set size of the process and its children."""
        total: int = sum(each.memory_full_info().pss for each in self._family())
        return round(total / 2**20, 1)


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keep this thread, and what it starts meanwhile, on one core, where there are two."""
    before = os.sched_getaffinity(0)
    if {SERVER_CORE, GENERATOR_CORE} <= before:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(subject: Subject, workload: Workload, requests: list[bytes]) -> Iterator[Running]:
    """Run a server until the block ends; raises ServerError."""
    if environments.python_of(subject.environment) is None:
        raise ServerError("no environment: make bench-peers builds it")
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "output").open("w+b") as output:
        port, began = free_port(), monotonic()
        with on_core(SERVER_CORE):
            process = subprocess.Popen(
                subject.command(workload, port, Path(folder) / "log"), stdout=output,
                stderr=subprocess.STDOUT, cwd=subject.folder or ROOT,
                env=subjects.environment(workload),
            )  # fmt: skip
        try:
            wait_until_open(process, port, output.name)
            first_answer(port, requests[0])
            yield Running(subject, port, process, requests, round(monotonic() - began, 3))
        finally:
            end(process)


def wait_until_open(process: "subprocess.Popen[bytes]", port: int, output: str) -> None:
    """Wait for the port; raises ServerError with what the server said last."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.005)
    said = Path(output).read_text(errors="replace").strip().splitlines()
    raise ServerError(said[-1] if said else "did not open its port")


def first_answer(port: int, request: bytes) -> None:
    """Send one request; raises ServerError unless the answer is 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(request)
        said = client.recv(65536)
    if not said.startswith(b"HTTP/1.1 200"):
        raise ServerError(said.decode(errors="replace").replace("\r\n", " ")[:300])


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a server we started."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def load(server: Running, plan: Plan) -> Report:
    """Load a server from the generator's core; raises OSError."""
    with on_core(GENERATOR_CORE):
        return drive(plan, server.requests)
