"""Batches of every sort, as one block and the long way: `make native-batches`.

`python -m tests.long.native_batches COUNT [SEED]`. Two handlers of `POST /score`, each with a log
of its own; one of them never reads an array as a block: msgspec splits it, and every applicant is
scored by itself. Answers, records (times aside) and counters have to be the same.
"""

import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from server import settings
from server.http.ledger import Ledger
from server.http.message import Request
from server.http.score import Score
from server.http.services import Services, open_services
from server.http.shadow import Shadow
from server.metrics.counters import AT, Table
from server.scoring.catalog import Catalog
from server.scoring.codec import JSON, MESSAGE_PACK, Codec
from server.scoring.model import Model
from tests.long.native_bodies import (
    BUNDLE,
    Members,
    as_msgpack,
    features,
    joined,
    members,
    model,
    mutated,
    native,
)

VARIES = re.compile(rb'"time":"[^"]*"|"latency_us":[0-9.e+-]+|,"chain":"[^"]*"')
MOST = 30  # applicants: settings.max_batch
SIZES = (1, 2, 3, 10, 17, MOST, MOST + 1)
QUERIES = (b"", b"partial=true")
ACCEPTS = (None, b"application/json", b"application/msgpack")


class Side:
    """A handler with the log behind it."""

    def __init__(
        self, scorer: Model, services: Services, folder: Path, shadow: Model | None
    ) -> None:
        self._folder, self._services, self._model = folder, services, scorer
        beside = Shadow(shadow, services.recorder, services.counters) if shadow else None
        self._ledger = Ledger(services, beside)
        self._score = Score(scorer, services, self._ledger, beside)

    def answer(self, body: bytes, query: bytes, fields: dict[bytes, bytes]) -> tuple[Any, ...]:
        request = Request("POST", "/score", b"/score", query, fields, body, perf_counter())
        answer = self._ledger.answer(self._score, request)
        if self._ledger.later is not None:
            self._ledger.later()
        return answer.status, answer.head, answer.body

    def reads(self, body: bytes, codec: Codec) -> bool:
        """Whether an array is read as a block."""
        return codec.is_batch(body) and self._model.read(body, codec, MOST) is not None

    def records(self) -> bytes:
        """Return what was recorded and begin anew, times aside."""
        self._services.recorder.journal._retire()
        files = sorted(self._folder.glob("*.jsonl"))
        lines = b"".join(each.read_bytes() for each in files)
        for each in files:
            each.unlink()
        return VARIES.sub(b"", lines)

    def counted(self) -> list[int]:
        """Return the counters that do not measure time."""
        row = self._services.counters.row.tolist()
        return [row[at] for name, at in AT.items() if not str(name[-1]).endswith("_ns")]


def every_sort() -> Model:
    """Return a model with features of every sort."""
    return model(native)


@contextmanager
def sides(
    make: Callable[[], Model] = every_sort, shadow: bool = False, **given: str
) -> Iterator[tuple[Side, Side]]:
    """Yield a handler that reads arrays as blocks, and one that does not, for models of `make`."""
    with ExitStack() as stack:
        found = []
        for name in ("block", "long"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            usual = {"model": str(BUNDLE), "max_batch": str(MOST), "access_log": "0"}
            chosen = settings.read({}, {**usual, "log_dir": str(folder), **given})
            scorer = make()
            services = open_services(chosen, Catalog({("m", "1"): scorer}, chosen), Table(1), 0)
            stack.callback(services.close)
            if name == "long":
                scorer._blocks = {}
            found.append(Side(scorer, services, folder, make() if shadow else None))
        yield found[0], found[1]


class Same:
    """Compares two handlers, request by request."""

    def __init__(self, block: Side, long: Side) -> None:
        self._block, self._long = block, long
        self.statuses: list[int] = []
        self.blocks = 0

    def __call__(
        self, body: bytes, codec: Codec, query: bytes = b"", accept: bytes | None = None
    ) -> None:
        fields = {b"content-type": codec.media_type, b"x-request-id": b"r-1"}
        if accept is not None:
            fields[b"accept"] = accept
        got = self._block.answer(body, query, fields)
        assert got == self._long.answer(body, query, fields), body
        assert self._block.records() == self._long.records(), body
        self.statuses.append(got[0])
        self.blocks += self._block.reads(body, codec)

    def end(self) -> None:
        """Compare what both have counted."""
        assert self._block.counted() == self._long.counted()


def compact(found: Members, rng: random.Random) -> bytes:
    return b"{" + b",".join(name + b":" + each for name, each in found) + b"}"


def batches(count: int, seed: int) -> Iterator[tuple[bytes, Codec]]:
    """Yield arrays of made applicants, some of them odd, and mutations of such arrays."""
    rng, known = random.Random(seed), features()
    for _ in range(count):
        odd = rng.choice((0.0, 0.0, 0.0005, 0.005, 0.1))
        made = [members(known, rng, odd) for _ in range(rng.choice(SIZES))]
        if rng.random() < 0.3:
            packed = [as_msgpack(each) or b"\x80" for each in made]
            body = b"\xdc" + len(packed).to_bytes(2) + b"".join(packed)
            codec: Codec = MESSAGE_PACK
        else:
            space, write = rng.choice((b"", b" ", b"\r\n")), rng.choice((compact, compact, joined))
            inner = (space + b",").join(write(each, rng) for each in made)
            body, codec = space + b"[" + inner + b"]" + space, JSON
        yield (mutated(body, rng) if rng.random() < 0.2 else body), codec


def main(count: int, seed: int = 0) -> int:
    """Print how many batches were compared, and how they were answered."""
    rng = random.Random(seed)
    with sides() as (block, long):
        same = Same(block, long)
        for body, codec in batches(count, seed):
            same(body, codec, rng.choice(QUERIES), rng.choice(ACCEPTS))
        same.end()
    told = {status: same.statuses.count(status) for status in sorted({*same.statuses})}
    print(
        f"{count} batches, {same.blocks} read as a block; none answered, recorded or counted "
        f"otherwise; by status: {told}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
