"""What many and slow clients cost: the long forms `mixed`, `unfinished` and `loris`.

Each prints the worker's memory before, at its highest and after, and what one connection that does
nothing odd sees meanwhile, and holds the memory to what docs/http.md states.
"""

import argparse
import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles

from bench.load.generator import Plan, drive
from tests.conftest import Running, running
from tests.long.server_audit import ANSWER, INTERIM
from tests.long.server_audit_inputs import Item, Maker
from tests.long.server_fuzz import resident_kilobytes
from tests.posting import metric, posts

REQUESTS, UNFINISHED, SLOW = 300_000, 120, 1000
TOGETHER, CLIENTS = 30, 8
MAX_BODY = 4 * 1024 * 1024
HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
LENGTH = HEAD + b"Content-Length: 4000000\r\n\r\n{"
# What is held of requests on their way is at most 64 MiB; an allocator may hold some more.
HELD_KILOBYTES = 96_000
GROWTH_KILOBYTES = 16_000


class Watch:
    """The memory of a worker, in kilobytes."""

    def __init__(self, up: Running) -> None:
        (self._worker,) = up.workers()
        self.before = self.most = resident_kilobytes(self._worker)

    def look(self) -> int:
        """Return what is held now."""
        now = resident_kilobytes(self._worker)
        self.most = max(self.most, now)
        return now


@contextmanager
def watched(
    options: argparse.Namespace, folder: Path, *flags: str
) -> Iterator[tuple[Running, Watch]]:
    """Run a warm server."""
    with running(options.models[0], log_of(folder), *flags) as up:
        asyncio.run(some(up, options, 3000))
        yield up, Watch(up)


def mixed(options: argparse.Namespace, folder: Path) -> None:
    """Send requests of every right kind, pipelined."""
    with watched(options, folder) as (up, watch):
        statuses, wrong = asyncio.run(some(up, options, REQUESTS, watch.look))
        after = watch.look()
    print(f"mixed: {REQUESTS} requests, {dict(sorted(statuses.items()))}, wrong {len(wrong)}; "
          f"{watch.before} kB before, {watch.most} at most, {after} after")  # fmt: skip
    assert not wrong, wrong[:3]
    assert watch.most - watch.before < GROWTH_KILOBYTES


async def some(
    up: Running, options: argparse.Namespace, count: int, look: Callable[[], object] = lambda: None
) -> tuple[Counter[int], list[str]]:
    """Return the statuses of so many requests, and what was wrong."""
    maker = Maker(random.Random(1), options.applicants[:200], "", options.models[0].parent.name)
    kinds = [maker.plain, maker.repeated, maker.msgpack, maker.faulty, maker.get, maker.chunked,
             maker.once, maker.query, maker.infer, maker.after_line_breaks]  # fmt: skip
    statuses, wrong, left = Counter[int](), list[str](), iter(range(count // TOGETHER))

    async def one_client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", up.port)
        for number in left:
            items = [maker.draw.choice(kinds)() for _ in range(TOGETHER)]
            found = await answers(reader, writer, items)
            statuses.update(found)
            if found != [item.status for item in items]:
                wrong.append(f"{found}")
            if number % 100 == 0:
                look()
        writer.close()

    await asyncio.gather(*(one_client() for _ in range(CLIENTS)))
    return statuses, wrong


async def answers(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, items: list[Item]
) -> list[int]:
    """Send all at once; return the statuses of their answers."""
    writer.write(b"".join(item.data for item in items))
    got, found = b"", list[int]()
    while len(found) < len(items):
        part = await reader.read(1 << 20)
        assert part, "the server closed"
        got += part
        found = [int(each) for each in ANSWER.findall(got.replace(INTERIM, b""))]
    return found


def probe(
    up: Running, applicants: list[bytes], drip: Callable[[], object] = lambda: None
) -> tuple[float, float]:
    """Return p50 and p99 of one connection's requests, in milliseconds; `drip` comes between."""
    latencies: list[float] = []
    for _ in range(5):
        drip()
        report = drive(Plan(up.port, 1, 1.0), posts(applicants))
        assert set(report.statuses) == {200}
        assert not report.unanswered
        latencies += report.latencies_us
    cuts = quantiles(latencies, n=100)
    return cuts[49] / 1e3, cuts[98] / 1e3


def log_of(folder: Path) -> Path:
    """Return a new log folder."""
    (folder / "log").mkdir()
    return folder / "log"


def unfinished(options: argparse.Namespace, folder: Path) -> None:
    """Hold bodies of the largest size that lack a byte."""
    with watched(options, folder) as (up, watch), ExitStack() as stack:
        calm = probe(up, options.applicants)
        for _ in range(UNFINISHED):
            each = stack.enter_context(socket.create_connection(("127.0.0.1", up.port)))
            each.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % MAX_BODY + b" " * (MAX_BODY - 1))
            watch.look()
        beside = probe(up, options.applicants, watch.look)
    tell(f"unfinished: {UNFINISHED} bodies", watch, calm, beside)
    assert watch.most - watch.before < HELD_KILOBYTES


def loris(options: argparse.Namespace, folder: Path) -> None:
    """Hold slow connections: in a head, a long one too, in a body, in trailers."""
    begun = (HEAD + b"X-A: ", HEAD + b"X-A: " + b"a" * 60_000, LENGTH, CHUNKED + b"X-A: ")
    with watched(options, folder, "--head-seconds", "60") as (up, watch), ExitStack() as stack:
        calm = probe(up, options.applicants)
        slow = []
        for i in range(SLOW):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", up.port))))
            slow[-1].sendall(begun[i % len(begun)])

        def drip() -> None:
            for each in slow:
                try:
                    each.send(b"a" * 1000)
                except OSError:
                    continue
            watch.look()

        dripping = probe(up, options.applicants, drip)
        held = metric(up, "credit_connections")
    tell(f"loris: {held:.0f} connections held", watch, calm, dripping)
    assert watch.most - watch.before < HELD_KILOBYTES


def tell(what: str, watch: Watch, calm: tuple[float, float], beside: tuple[float, float]) -> None:
    """Print what it cost."""
    print(f"{what}; {watch.before} kB before, {watch.most} at most; beside them p50 "
          f"{calm[0]:.2f} -> {beside[0]:.2f} ms, p99 {calm[1]:.2f} -> {beside[1]:.2f} ms, "
          "no request failed")  # fmt: skip
