"""Erase the stored answers of a server's idempotency store together with the records.

The server writes `idempotency.sqlite3`; its table `answer` has a request_id and a time in seconds.
"""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from ..errors import MonitoringError

NAME = "idempotency.sqlite3"
BUSY_SECONDS = 30.0
COUNT = "select count(*) from answer where request_id = ? or time < ?"
DELETE = "delete from answer where request_id = ? or time < ?"


def erase(
    file: Path, request_id: str | None, before: datetime | None, dry_run: bool = False
) -> int:
    """Delete the answers of a request, or all before a time; return their number.

    Deleted content is overwritten, also in the write-ahead log. Raises MonitoringError.
    """
    which: tuple[str | None, float] = (request_id, before.timestamp() if before else 0.0)
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as store:
            if dry_run:
                return int(store.execute(COUNT, which).fetchone()[0])
            store.execute("pragma secure_delete=on")
            count = store.execute(DELETE, which).rowcount
            empty(store)
            return count
    except sqlite3.Error as error:
        raise MonitoringError(f"{file}: {error}") from error


def empty(store: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file and truncate it. Raises sqlite3.Error."""
    busy, _, _ = store.execute("pragma wal_checkpoint(truncate)").fetchone()
    if busy:
        raise sqlite3.OperationalError("erased, but the write-ahead log is in use: erase again")


def find(places: list[Path]) -> list[Path]:
    """Return the idempotency stores in folders and below."""
    return sorted({file for place in places if place.is_dir() for file in place.rglob(NAME)})
