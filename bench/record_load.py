"""A closed loop of keep-alive connections posting prepared requests to one port of this machine."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, cast

import pyarrow.parquet as pq
import uvloop

WARM = 5  # the warm-up is this part of the time measured
LENGTH = b"content-length: "


class Loaded(NamedTuple):
    """What was answered."""

    answers: int
    seconds: float
    with_warm_up: int


class Failed(Exception):  # noqa: N818 - a round that failed, not a program error
    """An answer other than 200."""


def requests_of(rows: Path, fields: str = "") -> list[bytes]:
    """Return one HTTP request per row of a Parquet file: `default`, the label, is not sent."""
    found = []
    for row in pq.read_table(rows).to_pylist():
        row.pop("default", None)
        body = json.dumps(row).encode()
        head = f"POST /score HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(body)}\r\n{fields}"
        found.append(head.encode() + b"content-type: application/json\r\n\r\n" + body)
    return found


class Client(asyncio.Protocol):
    """One connection: as soon as an answer is whole, the next request goes out."""

    def __init__(self, requests: Sequence[bytes], offset: int) -> None:
        self._next = cycle([*requests[offset:], *requests[:offset]]).__next__
        self._received = b""
        self.answers = 0
        self.failure: bytes | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._next())

    def data_received(self, data: bytes) -> None:
        """Count an answer once it is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(LENGTH)[2].partition(b"\r")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.failure = self._received
            return
        self._received = b""
        self.answers += 1
        if self.transport:
            self.transport.write(self._next())


async def _drive(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Loaded:
    loop = asyncio.get_running_loop()
    step = len(requests) // connections
    factories = [partial(Client, requests, step * i) for i in range(connections)]
    clients = [
        (await loop.create_connection(factory, "127.0.0.1", port))[1] for factory in factories
    ]
    await asyncio.sleep(seconds / WARM)
    before, begun = sum(client.answers for client in clients), perf_counter()
    await asyncio.sleep(seconds)
    seconds, whole = perf_counter() - begun, sum(client.answers for client in clients)
    for client in clients:
        if client.transport:
            client.transport.abort()
        if client.failure:
            raise Failed(client.failure.decode(errors="replace"))
    return Loaded(whole - before, seconds, whole)


def drive(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Loaded:
    """Put the load on. Raises Failed."""
    return uvloop.run(_drive(port, requests, connections, seconds))
