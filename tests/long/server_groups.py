"""Requests of every kind through groups and the long way: `make groups`.

`python -m tests.long.server_groups COUNT [SEED]`. Two servers get the same requests over as many
connections at once: one answers them in groups, the other, without the fast path, one at a time.
Answers and records have to be the same, ids and times aside; each is found by its request id.
"""

import asyncio
import json
import random
import re
import sys
import tempfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pyarrow.parquet as pq

from tests.conftest import Running, running
from tests.long.server_fuzz import LENGTH, MAKERS, Applicant, mutate_value

BUNDLE = Path(__file__).parents[2] / "models" / "credit-express" / "1"
CONNECTIONS, PART = 48, 4800
SAID_ID = re.compile(rb"\r\nx-request-id: ([^\r]+)\r\n")
RECORD_ID = re.compile(rb'"request_id":"([^"]*)"')
VARIES = re.compile(rb'"time":"[^"]*"|"latency_us":[0-9.e+-]+|\r\ndate: [^\r]+|,"chain":"[^"]*"')
NEW_ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
COUNTED = re.compile(
    r"credit_(requests|applicants|decisions|faults|warnings|log_records|idempotent_replays"
    r"|unhandled_errors)_total"
)
JSON, PACKED = b"application/json", b"application/msgpack"
QUERIES = (b"?reasons=all", b"?reasons=none", b"?partial=true", b"?reasons=principal", b"?odd")
LANGUAGES = (b"de", b"en", b"de-CH, en;q=0.5", b"xx")


class Sent(NamedTuple):
    """One request or several behind each other; `last`: the connection ends with their answers."""

    data: bytes
    size: int
    last: bool


Seen = list[tuple[bytes, ...]]  # an answer and its records, for each request


def plain(draw: random.Random, applicant: Applicant) -> tuple[bytes, bytes]:
    """Return media type and body of an applicant as most clients send it."""
    if draw.random() < 0.25:
        return PACKED, msgspec.msgpack.encode(applicant)
    if draw.random() < 0.1:
        return JSON, json.dumps(applicant, indent=1).replace("\n", "\r\n").encode() + b" \n"
    return JSON, msgspec.json.encode(applicant)


def beyond(draw: random.Random, applicant: Applicant) -> tuple[bytes, bytes]:
    """Return an applicant of which a number may be outside the range seen in training."""
    numbers = [name for name, value in applicant.items() if isinstance(value, float)]
    return plain(draw, applicant | dict.fromkeys(draw.sample(numbers, 1), 10000000.0))


def faulty(draw: random.Random, applicant: Applicant) -> tuple[bytes, bytes]:
    """Return a body that is refused, or nearly."""
    make, media_type = draw.choice(MAKERS)
    return media_type, make(draw, dict(applicant))


def batch(draw: random.Random, applicant: Applicant) -> tuple[bytes, bytes]:
    """Return a batch, some of whose applicants may be refused."""
    count = draw.choice((0, 1, 2, 5, 20))
    if draw.random() < 0.3:
        return PACKED, msgspec.msgpack.encode([applicant] * count)
    odd = [mutate_value(draw, dict(applicant))] if draw.random() < 0.3 else []
    return JSON, b"[%b]" % b",".join([msgspec.json.encode(applicant)] * count + odd)


KINDS = ((plain, 75), (beyond, 8), (faulty, 12), (batch, 5))


def fields_of(draw: random.Random, kind: bytes, name: str) -> list[bytes]:
    """Return header fields, the usual ones alone in most cases."""
    rare = (
        (0.08, b"Accept: %b" % draw.choice((JSON, PACKED, b"*/*", b"text/html"))),
        (0.05, b"Accept-Language: %b" % draw.choice(LANGUAGES)),
        (0.08, b"X-Request-Id: %b" % draw.choice((name.encode(),) * 8 + (b"a b",))),
        (0.05, b"traceparent: 00-%032x-%016x-01" % (draw.getrandbits(128), draw.getrandbits(64))),
        (0.02, b"X-Request-Timeout-Ms: %b" % draw.choice((b"600000", b"soon"))),
        (0.04, b"Idempotency-Key: %b" % f"{name[:-1]}".encode()), (0.02, b"User-Agent: other"),
    )  # fmt: skip
    more = [field for share, field in rare if draw.random() < share]
    return [b"Host: x", b"Content-Type: %b" % (kind if draw.random() < 0.98 else b"a/b"), *more]


def request(
    draw: random.Random, applicants: Sequence[Applicant], name: str, paths: Sequence[bytes]
) -> bytes:
    """Return one request."""
    make = draw.choices([each for each, _ in KINDS], [weight for _, weight in KINDS])[0]
    kind, body = make(draw, dict(draw.choice(applicants)))
    fields = fields_of(draw, kind, name)
    if draw.random() < 0.03:
        fields, body = [*fields, b"Content-Encoding: deflate"], zlib.compress(body)
    path = paths[0] if draw.random() < 0.85 else draw.choice(paths)
    query = draw.choice(QUERIES) if draw.random() < 0.08 else b""
    first = b"POST %b%b HTTP/1.1" % (path, query)
    head = b"\r\n".join([first, *fields, b"Content-Length: %d" % len(body)])
    return head + b"\r\n\r\n" + body


def script(
    seed: str, applicants: Sequence[Applicant], count: int, paths: Sequence[bytes]
) -> Iterator[Sent]:
    """Yield `count` requests for one connection, some of them pipelined, some the last."""
    draw, at = random.Random(seed), 0
    while at < count:
        size = min(draw.choice((1,) * 12 + (2, 5)), count - at)
        wires = [request(draw, applicants, f"{seed}-{at + i}", paths) for i in range(size)]
        last = draw.random() < 0.02
        if last:
            wires[-1] = wires[-1].replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        yield Sent(b"".join(wires), size, last)
        at += size


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Return the next answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(LENGTH.findall(head)[0]))


async def converse(port: int, sent: Sequence[Sent]) -> list[bytes]:
    """Return the answers to one connection's requests; it is opened again where it ends."""
    answers: list[bytes] = []
    writer: Any = None
    for each in sent:
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(each.data)
        answers += [await answer(reader) for _ in range(each.size)]
        if each.last:
            assert await reader.read() == b""
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
    return answers


async def converse_all(port: int, scripts: Sequence[Sequence[Sent]]) -> list[list[bytes]]:
    """Return the answers of all connections, which talk at once."""
    return await asyncio.gather(*(converse(port, each) for each in scripts))


class Log:
    """The records of a running server, from where they were read last."""

    def __init__(self, server: Running) -> None:
        self._folder = server.log_dir
        self._read: dict[Path, int] = {}

    def new(self) -> dict[bytes, list[bytes]]:
        """Return new lines by request id, in order."""
        found = defaultdict(list)
        for file in sorted(self._folder.glob("*.jsonl")):
            content = file.read_bytes()
            for line in content[self._read.get(file, 0) :].splitlines(True):
                found[RECORD_ID.findall(line)[0]].append(VARIES.sub(b"", line))
            self._read[file] = len(content)
        return found


def seen(server: Running, log: Log, scripts: Sequence[Sequence[Sent]]) -> tuple[Seen, list[bytes]]:
    """Return what came of every request, and the records of no known request."""
    answers = asyncio.run(converse_all(server.port, scripts))
    records, found = log.new(), list[tuple[bytes, ...]]()
    for each in (one for connection in answers for one in connection):
        name = next(iter(SAID_ID.findall(each)), b"")
        told = [VARIES.sub(b"", each), *(records.pop(name, []) if name else [])]
        named = [part.replace(name, b"ID") if name else part for part in told]
        found.append(tuple(NEW_ID.sub(b"ANOTHER", part) for part in named))  # a replay has it
    return found, sorted(line for lines in records.values() for line in lines)


class Compared:
    """Two servers over one bundle, with groups and without, and what they answered."""

    def __init__(self, stack: ExitStack, bundle: Path, *flags: str) -> None:
        self.servers = []
        for lane in ("on", "off"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            usual = ("--fast-lane", lane, "--access-log", "0", "--max-in-flight", "4096")
            up = stack.enter_context(running(bundle, folder, *usual, *flags))
            self.servers.append((up, Log(up)))
        self.statuses: Counter[int] = Counter()

    def __call__(self, scripts: Sequence[Sequence[Sent]]) -> None:
        """Send the scripts to both and compare; raises AssertionError."""
        (groups, rest), (alone, others) = (seen(*each, scripts) for each in self.servers)
        assert len(groups) == len(alone)
        for one, other in zip(groups, alone, strict=True):
            assert one == other
        assert rest == others
        self.statuses.update(int(each[0].split()[1]) for each in groups)

    def end(self) -> None:
        """Compare what both have counted."""
        one, other = (counts(up) for up, _ in self.servers)
        assert one == other


def counts(server: Running) -> list[str]:
    """Return the lines of its metrics that measure no time and no bytes."""
    text = httpx.get(f"{server.url}/metrics").text
    return [line for line in text.splitlines() if COUNTED.match(line)]


def scripts_of(
    seed: object, applicants: Sequence[Applicant], count: int, model: str
) -> list[list[Sent]]:
    """Return as many scripts as there are connections, of `count` requests in all."""
    paths = (b"/score", b"/models/%b/score" % model.encode(),
             b"/models/%b/versions/1/score" % model.encode())  # fmt: skip
    each = count // CONNECTIONS
    return [[*script(f"{seed}.{i}", applicants, each, paths)] for i in range(CONNECTIONS)]


def good(count: int) -> list[Applicant]:
    """Return applicants of the committed model."""
    table = pq.read_table(BUNDLE.parent / "held-out.parquet").drop_columns(["default"])
    rows: list[Applicant] = table.slice(0, count).to_pylist()
    return rows


def main(count: int, seed: int = 0) -> int:
    """Print how many requests were compared, and how they were answered."""
    applicants = good(2000)
    with ExitStack() as stack:
        compared = Compared(stack, BUNDLE)
        for part in range(0, count, PART):
            scripts = scripts_of(seed + part, applicants, min(PART, count - part), "credit-express")
            compared(scripts)
            compared.end()
            print(f"{part + PART} of {count}: {dict(compared.statuses)}", file=sys.stderr)
    total, told = sum(compared.statuses.values()), dict(sorted(compared.statuses.items()))
    print(f"{total} requests: no answer, record or counter otherwise; by status: {told}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
