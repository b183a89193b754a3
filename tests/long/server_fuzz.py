"""Throw generated bodies at a running server: python -m tests.long.server_fuzz --bodies 1000000.

Half of them go to /score, half are inference requests; some are compressed.
Wrong bodies are made from right ones by changing bytes, values and names. Every answer must be
whole and no 5xx; every refusal must name its fault; and the server's memory must stay as it was.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.long import oip_bodies

Applicant = dict[str, Any]
LENGTH = re.compile(rb"\r\n(?i:content-length): ([0-9]+)\r\n")
CLIENTS = 8
GROWTH_KILOBYTES = 8_000
LONG_ARRAYS = (b"\xdc", b"\xdd")  # how MessagePack begins an array of 16 or more
NO_APPLICANT = "batch: wanted at least one applicant, got none"
"""The one fault of no feature."""
ODD: tuple[Any, ...] = (
    None, True, False, "", "a", "\u0000", "NaN", [], {}, [1], 0, -0.0, 1e308, -1e308, 5e-324, 2**53,
    2**53 + 1, 2**64, -(2**63), 10**30, 1.5, "car", "😀", {"AGE": 1},
)  # fmt: skip
LITERALS = (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e999", b"01", b"1.", b".5", b"+1",
            b"nul", b'"\xff"', b'"\\ud800"', b"[" * 2000, b"9" * 5000, b"0x10", b"'a'")  # fmt: skip


def mutate_value(draw: random.Random, applicant: Applicant) -> bytes:
    """Change, drop, add or rename a member."""
    name = draw.choice(list(applicant))
    kind = draw.randrange(4)
    if kind == 0:
        applicant[name] = draw.choice(ODD)
    elif kind == 1:
        del applicant[name]
    elif kind == 2:
        applicant[draw.choice(["", name.lower(), name + " ", "\u0000", "x" * 1000])] = 1
    else:
        applicant[name] = draw.choice([draw.uniform(-1e12, 1e12), draw.getrandbits(70)])
    return json.dumps(applicant, ensure_ascii=draw.random() < 0.5).encode()


def mutate_bytes(draw: random.Random, applicant: Applicant) -> bytes:
    """Flip, cut, repeat or insert bytes."""
    body = bytearray(json.dumps(applicant).encode())
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(body) + 1)
        kind = draw.randrange(4)
        if kind == 0 and at < len(body):
            body[at] = draw.randrange(256)
        elif kind == 1:
            del body[at : at + draw.randrange(1, 20)]
        elif kind == 2:
            body[at:at] = body[: draw.randrange(1, 60)]
        else:
            body[at:at] = draw.choice([b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\xff"])
    return bytes(body)


def mutate_literal(draw: random.Random, applicant: Applicant) -> bytes:
    """Put something that is no JSON value, or hardly one, in the place of a value."""
    name = draw.choice(list(applicant))
    body = json.dumps(applicant | {name: "@@"}).encode()
    return body.replace(b'"@@"', draw.choice(LITERALS))


def repeat_member(draw: random.Random, applicant: Applicant) -> bytes:
    """Send a member twice."""
    name = draw.choice(list(applicant))
    return json.dumps(applicant)[:-1].encode() + f', "{name}": 1}}'.encode()


def pack(draw: random.Random, applicant: Applicant) -> bytes:
    """MessagePack with odd values or changed bytes."""
    applicant[draw.choice(list(applicant))] = draw.choice([*ODD[:10], float("nan"), float("inf")])
    body = bytearray(msgspec.msgpack.encode(applicant))
    if draw.random() < 0.5:
        body[draw.randrange(len(body))] = draw.randrange(256)
    return bytes(body)


def batch(draw: random.Random, applicant: Applicant) -> bytes:
    """An array with a wrong applicant in it."""
    good = json.dumps(applicant).encode()
    bad = draw.choice([mutate_value, mutate_bytes])(draw, dict(applicant))
    return b"[" + b",".join([good, bad, good][: draw.randrange(1, 4)]) + b"]"


Make = Callable[[random.Random, Applicant], bytes]
MAKERS: tuple[tuple[Make, bytes], ...] = (
    (mutate_value, b"application/json"), (mutate_value, b"application/json"),
    (mutate_bytes, b"application/json"), (mutate_literal, b"application/json"),
    (repeat_member, b"application/json"), (batch, b"application/json"),
    (pack, b"application/msgpack"),
)  # fmt: skip


class Sent(NamedTuple):
    """A request: its path, fields beside the usual, each with its line's end, and its body."""

    path: bytes
    fields: bytes
    body: bytes

    def wire(self) -> bytes:
        """Return it as bytes."""
        head = b"POST %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n"
        return head % (self.path, self.fields, len(self.body)) + self.body


def to_score(seed: int, applicants: list[Applicant], count: int) -> Iterator[Sent]:
    """Yield requests with an applicant or several."""
    draw = random.Random(seed)
    for _ in range(count):
        make, media_type = draw.choice(MAKERS)
        body = make(draw, dict(draw.choice(applicants)))
        yield packed(draw, b"/score", b"Content-Type: %b\r\n" % media_type, body)


def to_infer(name: str, seed: int, applicants: list[Applicant], count: int) -> Iterator[Sent]:
    """Yield requests of the inference protocol to a model."""
    draw = random.Random(seed)
    path = f"/v2/models/{name}/infer".encode()
    for length, body in oip_bodies.bodies(seed, applicants, count):
        fields = b"" if length is None else b"Inference-Header-Content-Length: %b\r\n" % length
        yield packed(draw, path, fields, body)


def packed(draw: random.Random, path: bytes, fields: bytes, body: bytes) -> Sent:
    """Return a request, now and then compressed, and damaged then."""
    if draw.random() > 0.05:
        return Sent(path, fields, body)
    fields += b"Content-Encoding: deflate\r\n"
    whole = zlib.compress(body)
    if draw.random() < 0.5:
        return Sent(path, fields, whole)
    at = draw.randrange(len(whole))
    return Sent(path, fields, whole[:at] + whole[at + draw.randrange(3) :])


@dataclass
class Findings:
    """What came back; `wrong` holds the bodies whose answers break a rule."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[tuple[str, Sent, bytes]] = field(default_factory=list)

    def see(self, status: int, sent: Sent, answer: bytes) -> None:
        """Hold an answer to the rules."""
        self.statuses[status] += 1
        is_oip = sent.path.startswith(b"/v2")
        if status not in statuses(sent, is_oip):
            self.wrong.append((f"status {status}", sent, answer))
        elif status != 200 and not names_a_fault(json.loads(answer), is_oip, status):
            self.wrong.append(("names no fault", sent, answer))


def statuses(sent: Sent, is_oip: bool) -> set[int]:
    """Return what may be answered: an array of MessagePack says first how long it will be."""
    promises = sent.body[:1] in LONG_ARRAYS
    return {200, 400, 413} if is_oip else {200, 400, 422, *({413} if promises else ())}


def names_a_fault(said: Any, is_oip: bool, status: int) -> bool:
    """Whether a refusal says what is wrong."""
    if is_oip:
        return set(said) == {"error"} and bool(said["error"])
    named = status != 422 or bool(said.get("errors")) or said["detail"] == NO_APPLICANT
    return bool(said["detail"]) and named


async def client(port: int, source: Iterator[Sent], found: Findings) -> None:
    """Post bodies over one connection until there are none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for sent in source:
        writer.write(sent.wire())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(LENGTH.findall(head)[0])
        found.see(int(head.split()[1]), sent, await reader.readexactly(length))
    writer.close()


async def fuzz(port: int, source: Iterator[Sent]) -> Findings:
    """Post all requests; raises IncompleteReadError where a connection breaks."""
    found = Findings()
    await asyncio.gather(*(client(port, source, found) for _ in range(CLIENTS)))
    return found


def resident_kilobytes(pid: int) -> int:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def main() -> int:
    """Run the long form against a server of its own."""
    from tests.conftest import running

    parser = argparse.ArgumentParser("python -m tests.long.server_fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path, required=True, help="a bundle")
    parser.add_argument("--applicants", type=Path, required=True, help="right bodies, one a line")
    options = parser.parse_args()
    good = [json.loads(line) for line in options.applicants.read_text().splitlines()]
    name = json.loads((options.model / "manifest.json").read_text())["name"]
    wrong, resident = 0, []
    with tempfile.TemporaryDirectory() as log, running(options.model, Path(log)) as up:
        (worker,) = up.workers()
        for part in range(10):
            given = options.seed + part, good, options.bodies // 20
            source = chain(to_score(*given), to_infer(name, *given))
            found = asyncio.run(fuzz(up.port, source))
            wrong += len(found.wrong)
            for each in found.wrong[:5]:
                print(each, file=sys.stderr)
            for file in Path(log).glob("*.jsonl"):
                file.unlink()
            resident.append(resident_kilobytes(worker))
            print(f"{part + 1}/10 {dict(found.statuses)} resident {resident[-1]} kB", flush=True)
    growth = resident[-1] - resident[1]  # warm after two tenths
    print(f"{wrong} wrong answers; resident memory grew by {growth} kB once warm")
    return 1 if wrong or growth > GROWTH_KILOBYTES else 0


if __name__ == "__main__":
    raise SystemExit(main())
