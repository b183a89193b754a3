"""Ask a running server over HTTP: a score, its counters, its log."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from server.scoring.codec import JSON
from tests.conftest import Running
from tests.server.wire import BODY
from tests.waiting import ASLEEP, STOPPED, state, until


def post(
    server: Running, body: bytes = BODY, path: str = "/score", **headers: str
) -> httpx.Response:
    head = {"content-type": "application/json"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return httpx.post(server.url + path, content=body, headers=head, timeout=60)


def post_as(
    server: Running, body: bytes, codec: Any = JSON, path: str = "/score"
) -> httpx.Response:
    head = {"Content-Type": codec.media_type.decode(), "Accept": "application/json"}
    return httpx.post(server.url + path, content=body, headers=head, timeout=60)


def request_of(data: Any, shape: list[int] | None = None, **more: Any) -> dict[str, Any]:
    tensor = {"name": "X", "shape": shape or [1, 5], "datatype": "FP64", "data": data} | more
    return {"inputs": [tensor]}


def lines(server: Running) -> list[bytes]:
    return [
        line
        for file in sorted(server.log_dir.glob("*.jsonl"))
        for line in file.read_bytes().splitlines(True)
    ]


def counted(server: Running, name: str) -> int:
    text = httpx.get(f"{server.url}/metrics", timeout=30).text
    return int(re.findall(rf"^{re.escape(name)} (\d+)$", text, re.M)[0])


def connections(server: Running) -> int:
    """Return how many connections the server has accepted, the one that asks not counted."""
    return counted(server, "credit_connections") - 1


@contextmanager
def stopped(server: Running, connected: int) -> Iterator[None]:
    """Stop the worker once so many are connected, so that it finds all that is sent at once."""
    (worker,) = server.workers()
    until(lambda: connections(server) >= connected)
    until(lambda: state(worker) == ASLEEP)  # the answer is out before it counts as answered
    os.kill(worker, signal.SIGSTOP)
    until(lambda: state(worker) == STOPPED)  # before, it could still take what comes first alone
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def access_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the access log of a server that has stopped: a line is written after its answer."""
    lines = [json.loads(line) for line in (folder / "stdout").read_text().splitlines()]
    return [line for line in lines if line["event"] == "request"]
