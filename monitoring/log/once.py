"""Yield each record once, however often and under whatever file names a shipper delivered its line.

Records with the same time (to the microsecond), place in the request, model and input are copies of
one line. Digests of the records seen are kept in a temporary SQLite file with a small cache.
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
from ..wording import numbered
from .record import Record

IDENTITY = ("index", "kind", "model", "version", "row", "row_hash", "faults", "body", "features",
            "request_id")  # fmt: skip
APART = b"\x1f"
CACHE_KB = 32_768
# Time comes first in the key: a log is read roughly in that order, so the cache stays effective.
TABLE = "create table seen (time integer, digest blob, primary key (time, digest)) without rowid"
ENTER = "insert or ignore into seen values (?, ?)"
Key = tuple[int, bytes]


class Once:
    """Passes each record the first time; `doubled` counts copies by model and version."""

    def __init__(self) -> None:
        self.doubled: Counter[tuple[str | None, str | None]] = Counter()
        self._seen = sqlite3.connect("", isolation_level=None)  # a temporary file
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
        """Print on stderr how many copies were left out, if any."""
        if count := self.doubled.total():
            said = "is a copy of another and was" if count == 1 else "are copies of others and were"
            print(f"{numbered(count, 'record')} {said} left out", file=sys.stderr)

    def _enter(self, found: list[Key]) -> list[bool]:
        """Store keys; return which of them are new."""
        seen = self._seen
        try:
            seen.execute("begin")
            before = seen.total_changes
            seen.executemany(ENTER, found)
            new = [True] * len(found)
            if seen.total_changes - before < len(found):  # rare: insert them one by one
                seen.execute("rollback")
                seen.execute("begin")
                new = [seen.execute(ENTER, each).rowcount == 1 for each in found]
            seen.execute("commit")
        except sqlite3.Error as error:
            raise MonitoringError(f"the temporary file of what was read: {error}") from error
        return new


def keys(batch: pa.RecordBatch) -> list[Key]:
    """Return the keys that identify the records of a batch."""
    parts = [_bytes(batch[name]) for name in IDENTITY]
    joined = pc.binary_join_element_wise(*parts, APART, null_handling="replace")
    times = batch["time"].cast(pa.int64()).to_pylist()
    return [(t, _digest(text)) for t, text in zip(times, joined.to_pylist(), strict=True)]


def key(record: Record) -> Key:
    """Return the key that identifies a record."""
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
