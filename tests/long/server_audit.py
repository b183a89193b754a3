"""Send raw requests through both lanes: python -m tests.long.server_audit --connections 20000.

Each connection is a script made by chance from a seed: requests of every kind, pipelined, cut at
random bytes (elsewhere for each server) and ended by closing the sending side. The fast lane and
ASGI must give the same bytes but for dates and ids they make, the same records and the same counts;
no request has two answers or two records; and where what is right is known, it is what came.
"""

import argparse
import asyncio
import json
import random
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.conftest import Running, running
from tests.long.server_audit_inputs import MAX_BODY, NEVER, Item, Maker
from tests.server.command import run

CLIENTS, GROUP = 16, 400
SECONDS = 30.0  # after which a connection that is still open hangs
MADE = re.compile(rb"date: [^\r]+\r\n|[0-9a-f]{32}(?![0-9a-f])")
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) ")
IDENTITY = re.compile(rb"x-request-id: (n\d+)\r\n")
COUNTED = re.compile(r"^credit_requests_total.* [1-9]\d*$", re.M)


class Script(NamedTuple):
    """What one connection sends, and between which bytes it pauses, for each server."""

    items: list[Item]
    cuts: list[list[int]]

    @property
    def data(self) -> bytes:
        return b"".join(item.data for item in self.items)

    def pieces(self, server: int) -> Iterator[bytes]:
        """Yield what is sent at once."""
        data, ends = self.data, [*self.cuts[server], None]
        begin = 0
        for end in ends:
            yield data[begin:end]
            begin = end or 0


class Found(NamedTuple):
    """What came of it: answers by status, and everything that was wrong, with its script."""

    statuses: Counter[int]
    wrong: list[tuple[str, bytes]]


def scripts(seed: int, count: int, make: Callable[[random.Random], Maker]) -> Iterator[Script]:
    """Yield so many."""
    draw = random.Random(seed)
    maker = make(draw)
    for _ in range(count):
        items = [maker.item() for _ in range(draw.choice([1, 1, 2, 3, 6, 25]))]
        size = sum(len(item.data) for item in items)
        yield Script(items, [cuts(draw, size) for _ in range(2)])


def cuts(draw: random.Random, size: int) -> list[int]:
    """Return where to pause: mostly nowhere or in few places."""
    places = draw.choice([0, 0, 1, 2, 5])
    return sorted(draw.randrange(size) for _ in range(places))


def expected(items: Sequence[Item]) -> tuple[list[int], bool]:
    """Return the statuses that are known, and whether there must be no more."""
    known: list[int] = []
    for item in items:
        if item.status is None:
            return known, False
        known.append(item.status)
        if item.closes:
            break
    return known, True


async def converse(port: int, pieces: Sequence[bytes]) -> bytes:
    """Send all and the end of it; return what came until the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for i, piece in enumerate(pieces):
            if i:
                await asyncio.sleep(0.002)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        return await asyncio.wait_for(reader.read(-1), SECONDS)
    finally:
        writer.close()


async def ask(ports: Sequence[int], script: Script) -> list[bytes]:
    """Return what each server said, but for dates, made ids and invitations."""
    asked = (converse(port, list(script.pieces(i))) for i, port in enumerate(ports))
    said = await asyncio.gather(*asked, return_exceptions=True)
    came = [each if isinstance(each, bytes) else repr(each).encode() for each in said]
    return [MADE.sub(b"", each.replace(INTERIM, b"")) for each in came]


def judge(script: Script, said: list[bytes]) -> str | None:
    """Return what is wrong with the answers, or None."""
    fast, slow = said
    if fast != slow:
        return f"lanes differ: {fast[:300]!r} and {slow[:300]!r}"
    statuses = [int(each) for each in ANSWER.findall(fast)]
    known, is_all = expected(script.items)
    if statuses[: len(known)] != known or (is_all and len(statuses) != len(known)):
        return f"wanted {known}{'' if is_all else '…'}, got {statuses}"
    ids = Counter(IDENTITY.findall(fast))
    if ids and max(ids.values()) > 1:
        return f"answered twice: {ids}"
    return f"{NEVER} was answered" if is_all and NEVER.encode() in fast else None


async def compare(up: Sequence[Running], given: Sequence[Script], found: Found) -> None:
    """Hold what both servers say to each script against each other."""
    ports, waiting = [each.port for each in up], iter(given)

    async def one_client() -> None:
        for script in waiting:
            said = await ask(ports, script)
            found.statuses.update(int(each) for each in ANSWER.findall(said[0]))
            if (wrong := judge(script, said)) is not None:
                found.wrong.append((wrong, script.data))

    await asyncio.gather(*(one_client() for _ in range(CLIENTS)))


class Log:
    """A prediction log, read on where it was read before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = 0

    def records(self) -> Counter[str]:
        """Return what is new, but for times and made ids."""
        lines = [
            line
            for file in sorted(self._folder.glob("*.jsonl"))
            for line in file.read_bytes().splitlines(True)
        ]
        new, self._read = lines[self._read :], len(lines)
        return Counter(json.dumps(plain(json.loads(line)), sort_keys=True) for line in new)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what differs each time."""
    kept = {k: v for k, v in record.items() if k not in {"time", "latency_us"}}
    return kept | {"request_id": MADE.sub(b"", str(kept.get("request_id")).encode()).decode()}


def judge_records(logs: Sequence[Log]) -> str | None:
    """Return what is wrong with the records since the last look, or None."""
    fast, slow = (log.records() for log in logs)
    if fast != slow:
        return f"records differ: {fast - slow} and {slow - fast}"
    ids = Counter(json.loads(each)["request_id"] for each in fast.elements())
    twice = [name for name, count in ids.items() if name.startswith("n") and count > 1]
    return f"recorded twice: {twice}" if twice else None


def audit(up: Sequence[Running], seed: int, count: int, bodies: list[bytes], key: str) -> Found:
    """Compare two servers over so many connections."""
    found, logs = Found(Counter(), []), [Log(each.log_dir) for each in up]
    head = {"x-api-key": key}
    names = [httpx.get(f"{each.url}/models").json()["models"][0]["name"] for each in up]
    given = scripts(seed, count, lambda draw: Maker(draw, bodies, key, names[0]))
    while group := [script for _, script in zip(range(GROUP), given, strict=False)]:
        asyncio.run(compare(up, group, found))
        if (wrong := judge_records(logs)) is not None:
            found.wrong.append((wrong, b""))
    counts = [COUNTED.findall(httpx.get(f"{each.url}/metrics", headers=head).text) for each in up]
    if counts[0] != counts[1]:
        found.wrong.append((f"counts differ: {counts}", b""))
    return found


def serving(bundle: Path, folder: Path, stack: ExitStack) -> tuple[list[Running], str]:
    """Run a server a lane, with a key of the scopes score and metrics; return them and the key."""
    keys = folder / "keys"
    made = run(
        "key", "--keys", str(keys), "--id", "audit", "--scopes", "score", "metrics"
    ).stdout.strip()
    flags = ("--keys", str(keys), "--max-body", str(MAX_BODY), "--log-refused", "body")
    up = []
    for lane in ("on", "off"):
        (folder / lane).mkdir()
        up.append(stack.enter_context(running(bundle, folder / lane, "--fast-lane", lane, *flags)))
    return up, made


def main() -> None:
    """Audit, print what came, and end in an AssertionError where anything is wrong."""
    parser = argparse.ArgumentParser("python -m tests.long.server_audit", description=__doc__)
    parser.add_argument("--connections", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path, required=True, help="a bundle")
    parser.add_argument("--applicants", type=Path, required=True, help="right bodies, one a line")
    options = parser.parse_args()
    bodies = options.applicants.read_bytes().splitlines()[:200]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        up, key = serving(options.model, Path(folder), stack)
        found = audit(up, options.seed, options.connections, bodies, key)
        for wrong, data in found.wrong[:20]:
            print(wrong, data[:3000], sep="\n", end="\n\n")
    print(f"audit: {options.connections} connections through both lanes, answers "
          f"{dict(sorted(found.statuses.items()))}, wrong {len(found.wrong)}")  # fmt: skip
    assert not found.wrong


if __name__ == "__main__":
    main()
