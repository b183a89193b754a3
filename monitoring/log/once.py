"""Each record once, however many times and under whatever names a shipper delivered its line.

A record is known by its time, its place in its request, its model and what was sent: two records
alike in all of that, to the microsecond, are two copies of one line. What was seen is kept as
digests in a temporary SQLite file, of which only a cache is in memory.
"""

import sqlite3
import sys
from collections import Counter
from hashlib import blake2b

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import MonitoringError
from .record import Record

IDENTITY = ("index", "kind", "model", "version", "row", "row_hash", "faults", "body", "features",
            "request_id")  # fmt: skip
APART = b"\x1f"
CACHE_KB = 32_768
# By time first: a log is read about in that order, so the pages in use stay in the cache.
TABLE = "create table seen (time integer, digest blob, primary key (time, digest)) without rowid"
ENTER = "insert or ignore into seen values (?, ?)"
Key = tuple[int, bytes]


class Once:
    """Lets each record by the first time; `doubled` counts the copies, by model and version."""

    def __init__(self) -> None:
        self.doubled: Counter[tuple[str | None, str | None]] = Counter()
        self._seen = sqlite3.connect("", isolation_level=None)  # a file without a name
        for setting in (f"cache_size = -{CACHE_KB}", "journal_mode = memory", "synchronous = off"):
            self._seen.execute(f"pragma {setting}")
        self._seen.execute(TABLE)

    def select(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the records of a batch that were not seen before. Raises MonitoringError."""
        if not batch.num_rows:
            return batch
        new = self._enter(keys(batch))
        if all(new):
            return batch
        mask = pa.array(new)
        copies = batch.filter(pc.invert(mask))
        self.doubled.update(
            zip(copies["model"].to_pylist(), copies["version"].to_pylist(), strict=True)
        )
        return batch.filter(mask)

    def is_new(self, record: Record) -> bool:
        """Whether a record was not seen before. Raises MonitoringError."""
        [new] = self._enter([key(record)])
        self.doubled[record.model, record.version] += not new
        return new

    def tell(self) -> None:
        """Say on stderr how many copies were left out, where there were any."""
        if count := self.doubled.total():
            print(f"{count:,} records are copies of others: each was counted once", file=sys.stderr)

    def _enter(self, found: list[Key]) -> list[bool]:
        """Remember keys; return which of them are new."""
        seen = self._seen
        try:
            seen.execute("begin")
            before = seen.total_changes
            seen.executemany(ENTER, found)
            new = [True] * len(found)
            if seen.total_changes - before < len(found):  # rare: then one by one
                seen.execute("rollback")
                seen.execute("begin")
                new = [seen.execute(ENTER, each).rowcount == 1 for each in found]
            seen.execute("commit")
        except sqlite3.Error as error:
            raise MonitoringError(f"the temporary file of what was read: {error}") from error
        return new


def keys(batch: pa.RecordBatch) -> list[Key]:
    """Return what the records of a batch are known by."""
    parts = [_bytes(batch[name]) for name in IDENTITY]
    joined = pc.binary_join_element_wise(*parts, APART, null_handling="replace")
    times = batch["time"].cast(pa.int64()).to_pylist()
    return [(t, _digest(text)) for t, text in zip(times, joined.to_pylist(), strict=True)]


def key(record: Record) -> Key:
    """Return what a record is known by."""
    values = (getattr(record, name) for name in IDENTITY)
    when = np.datetime64(record.time.removesuffix("Z"), "us")
    return int(when.astype(np.int64)), _digest(APART.join(map(_plain, values)))


def _bytes(column: pa.Array) -> pa.Array:
    texts = column.cast(pa.string()) if pa.types.is_integer(column.type) else column
    return texts.cast(pa.binary())


def _plain(value: object) -> bytes:
    if isinstance(value, bytes | msgspec.Raw):
        return bytes(value)
    return b"" if value is None else str(value).encode()


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
