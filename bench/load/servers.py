"""Servers under test: started on a free port and a core of their own, stopped and cleaned up."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import msgspec
import psutil

from .. import environments
from ..host import ROOT
from ..workload.models import Workload
from .generator import Plan, Report, drive
from .subjects import Subject

START_SECONDS, END_SECONDS = 120.0, 20.0
# What servers say that listen before their model is loaded.
LOADING = (b"404", b"503")
SERVER_CORE, GENERATOR_CORE = 0, 1


class ServerError(Exception):
    """A server that does not start or answer; the message is its last line."""


class Running(msgspec.Struct, frozen=True):
    """A server that has answered its first request with 200."""

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
    """Keep this thread, and the processes it starts, on one core, if there are two."""
    before = os.sched_getaffinity(0)
    if {SERVER_CORE, GENERATOR_CORE} <= before:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(subject: Subject, workload: Workload, requests: list[bytes]) -> Iterator[Running]:
    """Run a server until the block ends; raises ServerError."""
    if missing := environments.why_not(subject.environment):
        raise ServerError(missing)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "output").open("w+b") as output:
        port, began = free_port(), monotonic()
        with on_core(SERVER_CORE):
            process = subprocess.Popen(
                subject.command(workload, port, Path(folder) / "log"), stdout=output,
                stderr=subprocess.STDOUT, cwd=subject.folder or ROOT,
                env=environment(subject, workload, port, folder),
            )  # fmt: skip
        try:
            wait_until_open(process, port, output.name)
            first_answer(process, port, requests[0], output.name)
            yield Running(subject, port, process, requests, round(monotonic() - began, 3))
        finally:
            end(process)


def environment(subject: Subject, workload: Workload, port: int, folder: str) -> dict[str, str]:
    """Return a server's environment variables: its own, and none of our settings."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CREDIT_")}
    known = {"port": port, "model": workload.text, "folder": folder,
             "spare": free_port(), "spare2": free_port()}  # fmt: skip
    own = {name: value.format(**known) for name, value in subject.variables.items()}
    return {**inherited, "PEER_MODEL": str(workload.text), "PYTHONUNBUFFERED": "1", **own}


def wait_until_open(process: "subprocess.Popen[bytes]", port: int, output: str) -> None:
    """Wait for the port; raises ServerError with the server's last line."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.005)
    raise ServerError(last_line(output) or "did not open its port")


def last_line(output: str) -> str:
    """Return the server's last line of output."""
    said = Path(output).read_text(errors="replace").strip().splitlines()
    return said[-1].strip() if said else ""


def first_answer(
    process: "subprocess.Popen[bytes]", port: int, request: bytes, output: str
) -> None:
    """Send requests until the model is loaded; raises ServerError unless one gets 200."""
    deadline = monotonic() + START_SECONDS
    while (said := ask(port, request))[9:12] != b"200":
        waiting = not said or said[9:12] in LOADING
        if not waiting or monotonic() > deadline or process.poll() is not None:
            answer = said.decode(errors="replace").replace("\r\n", " ")[:300]
            raise ServerError(answer or last_line(output) or "ended without an answer")
        sleep(0.05)


def ask(port: int, request: bytes) -> bytes:
    """Send one request; return the beginning of the answer, b"" if there was none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(request)
            return client.recv(65536)
    except OSError:
        return b""


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a server that we started, with all processes that it started."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for orphan in (each for each in family if each.is_running()):
        with suppress(psutil.NoSuchProcess):
            orphan.kill()


def load(server: Running, plan: Plan) -> Report:
    """Load a server from the generator's core; raises OSError."""
    return drive_on_core(plan, server.requests)


def drive_on_core(plan: Plan, requests: Sequence[bytes]) -> Report:
    """Carry out a plan from the generator's core; raises OSError."""
    with on_core(GENERATOR_CORE):
        return drive(plan, requests)
