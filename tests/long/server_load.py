"""A load generator that loses count of nothing: keep-alive connections, every outcome tallied."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

import httpx

from tests.conftest import Running

HOST = "127.0.0.1"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """What came of the requests; `failed` were sent and got no whole answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    refused_connections: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    retry_after: Counter[str] = field(default_factory=Counter)


@dataclass
class Load:
    """`clients` connections post `bodies` in turn until `stop`, or until the server is gone."""

    port: int
    bodies: list[bytes]
    clients: int = 8
    path: str = "/score"
    keep_answers: bool = False
    stop: Callable[[], bool] = lambda: False
    tally: Tally = field(default_factory=Tally)

    async def run(self) -> Tally:
        """Run all clients to their end."""
        await asyncio.gather(*(self._client(i) for i in range(self.clients)))
        return self.tally

    async def _client(self, number: int) -> None:
        bodies = cycle(self.bodies[number:] + self.bodies[:number])
        while not self.stop():
            try:
                reader, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                self.tally.refused_connections += 1
                return
            try:
                while not self.stop() and await self._post(reader, writer, next(bodies)):
                    pass
            except (OSError, asyncio.IncompleteReadError) as error:
                self.tally.failed.append(repr(error))
            writer.close()

    async def _post(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
    ) -> bool:
        """Post once; return whether the connection stays open."""
        began = perf_counter()
        head = f"POST {self.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        answer = await reader.readexactly(int(fields["content-length"]))
        status = int(lines[0].split()[1])
        self.tally.statuses[status] += 1
        if status == 200:
            self.tally.seconds.append(perf_counter() - began)
        elif status == 503:
            self.tally.retry_after[fields.get("retry-after", "none")] += 1
        if self.keep_answers and status == 200:
            self.tally.answers.append(json.loads(answer))
        return fields.get("connection") != "close"


def probe(
    up: Running, applicants: list[bytes], drip: Callable[[], object] = lambda: None
) -> tuple[float, float]:
    """Return p50 and p99 of one connection's requests, in milliseconds."""
    seconds: list[float] = []
    for _ in range(5):
        drip()
        end = time.monotonic() + 1.0
        load = Load(up.port, applicants, clients=1, stop=lambda end=end: time.monotonic() > end)  # type: ignore[misc]
        tally = asyncio.run(load.run())
        assert not tally.failed
        seconds += tally.seconds
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3


def metric(up: Running, name: str) -> float:
    """Return one number of /metrics."""
    text = httpx.get(f"{up.url}/metrics", timeout=30).text
    return float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M)[0])


def log_of(folder: Path) -> Path:
    """Return a new log folder."""
    (folder / "log").mkdir()
    return folder / "log"
