"""Servers of several modes, each in its own process, loaded in turn and compared in pairs."""

import argparse
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from ..host import cpu_seconds
from ..progress import say
from ..result import Row
from .saturation import saturate_measured

CONNECTIONS = 16
# model, port, folder, mode: runs a server until it is ended.
Serve = Callable[[str, int, str, str], None]


class Server:
    """A server process in one mode."""

    def __init__(self, serve: Serve, model: Path, mode: str, requests: Sequence[bytes]) -> None:
        """Start it, and wait until it has answered the first request."""
        self.requests = requests
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory()
        context = multiprocessing.get_context("spawn")
        arguments = (str(model), self.port, self._folder.name, mode)
        self._process = context.Process(target=serve, args=arguments)
        self._process.start()
        self._wait(requests[0])

    def _wait(self, request: bytes) -> None:
        while self._process.is_alive():
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", self.port)) == 0:
                    asking.sendall(request)
                    asking.recv(1)
                    return
            time.sleep(0.05)
        raise SystemExit("the server did not start")

    def cpu_seconds(self) -> float:
        """Return the processor time used by it and its worker."""
        process = psutil.Process(self._process.pid)
        return cpu_seconds(each.pid for each in (process, *process.children()))

    def measure(self, seconds: int) -> Row:
        """Saturate it; return its rate and the processor time per answer in microseconds."""
        row = saturate_measured(self, CONNECTIONS, seconds)
        if row["failed"] or not row["samples"]:
            raise SystemExit(f"{row['failed']} of {row['samples']} requests failed")
        return {name: row[name] for name in ("per_second", "cpu_us")}

    def stop(self) -> None:
        """Stop it and remove its log."""
        self._process.terminate()
        self._process.join()
        self._folder.cleanup()


def compare(
    serve: Serve, model: Path, requests: Mapping[str, Sequence[bytes]], rounds: int, seconds: int
) -> list[dict[str, Row]]:
    """Return, for each round, every mode's rate and processor time, in an order that turns."""
    servers = {mode: Server(serve, model, mode, sent) for mode, sent in requests.items()}
    found: list[dict[str, Row]] = []
    try:
        for number in range(rounds):
            start = number % len(servers)
            order = [*servers][start:] + [*servers][:start]
            order = order[:: -1 if number % 2 else 1]
            found.append({mode: servers[mode].measure(seconds) for mode in order})
            say(f"round {number + 1} of {rounds}")
    finally:
        for server in servers.values():
            server.stop()
    return found


def arguments(
    name: str, about: str | None, rounds: int, seconds: int, out: Path
) -> argparse.Namespace:
    """Return the arguments of `python -m bench.NAME measure|render`."""
    parser = argparse.ArgumentParser(
        f"python -m bench.{name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("render")
    measure = verbs.add_parser("measure")
    measure.add_argument("--model", type=Path, required=True, help="a bundle")
    measure.add_argument("--rows", type=Path, required=True, help="Parquet, a column per feature")
    measure.add_argument("--rounds", type=int, default=rounds)
    measure.add_argument("--seconds", type=int, default=seconds)
    measure.add_argument("--out", type=Path, default=out, help="where the result goes")
    return parser.parse_args()
