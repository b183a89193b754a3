"""A server in a process of its own, loaded and charged for its processor time, for paired modes."""

import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from .record_load import Loaded, drive

CONNECTIONS = 16
# model, port, folder, mode: runs a server until it is ended.
Serve = Callable[[str, int, str, str], None]


class Server:
    """A server process of one mode."""

    def __init__(self, serve: Serve, model: Path, mode: str, request: bytes) -> None:
        """Start it; it stands once it has answered `request`."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory()
        context = multiprocessing.get_context("spawn")
        arguments = (str(model), self.port, self._folder.name, mode)
        self._process = context.Process(target=serve, args=arguments)
        self._process.start()
        self._wait(request)

    def _wait(self, request: bytes) -> None:
        while self._process.is_alive():
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", self.port)) == 0:
                    asking.sendall(request)
                    asking.recv(1)
                    return
            time.sleep(0.05)
        raise SystemExit("the server did not start")

    def cpu(self) -> float:
        """Seconds of processor time it and its worker have used, to the nanosecond."""
        process = psutil.Process(self._process.pid)
        pids = [each.pid for each in (process, *process.children())]
        threads = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def measure(self, requests: Sequence[bytes], seconds: float) -> tuple[Loaded, float]:
        """Load it for some seconds; return what came and microseconds of processor time each."""
        before = self.cpu()
        loaded = drive(self.port, requests, CONNECTIONS, seconds)
        return loaded, (self.cpu() - before) / loaded.with_warm_up * 1e6

    def stop(self) -> None:
        """End it and remove its log."""
        self._process.terminate()
        self._process.join()
        self._folder.cleanup()
