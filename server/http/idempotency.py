"""Idempotency-Key: the same key and body get the same stored answer, also from another worker.

One SQLite file beside the prediction log, shared by the workers of this host. It holds answers, no
features, and with each the request id by which `log erase` finds it; what is deleted is zeroed.
A request with a key is scored inside a write transaction, so two at once are one.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from .problem import Problem

if TYPE_CHECKING:
    import sqlite3  # imported with the first key: most servers never see one

CREATE = """create table if not exists answer
(key text primary key, digest blob not null, body blob not null, time real not null,
request_id text not null)"""
FIND = "select digest, body from answer where key = ? and time > ?"
STORE = "insert or replace into answer values (?, ?, ?, ?, ?)"
# Without it each worker would read the whole table once a second to find what is too old.
INDEX = "create index if not exists answer_time on answer (time)"
EXPIRE = """delete from answer where rowid in
(select rowid from answer where time <= ? order by time limit 1000)"""
BUSY_SECONDS = 5.0
MODE = 0o600


class StoreError(Exception):
    """A file of stored answers that cannot be opened or written."""


class Store:
    """The stored answers; belongs to one worker, its file to all."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._seconds = seconds
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def answer(
        self, key: str, request_id: str, request: tuple[bytes, ...], make: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        """Return the answer and whether it was stored: `make` is called for a new key only.

        Raises Problem 422 where the key came with another request, 503 where the file fails, and
        what `make` raises: an error is not stored.
        """
        import sqlite3

        digest = hashlib.sha256(b"\0".join(request)).digest()
        try:
            return self._answer(key, request_id, digest, make)
        except (StoreError, sqlite3.Error) as error:
            raise Problem(503, f"Idempotency-Key: the store failed: {error}") from error

    def expire(self) -> None:
        """Delete what is too old, a thousand at a time: it is asked every second.

        Raises StoreError.
        """
        if self._connection is None and not self._file.exists():
            return  # nor of a server before this one
        import sqlite3

        try:
            self._open().execute(EXPIRE, (time.time() - self._seconds,))
        except sqlite3.Error as error:
            raise StoreError(str(error)) from error

    def _answer(
        self, key: str, request_id: str, digest: bytes, make: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        connection = self._open()
        now = time.time()
        connection.execute("begin immediate")
        try:
            found = connection.execute(FIND, (key, now - self._seconds)).fetchone()
            if found is not None:
                return self._stored(found, digest), True
            body = make()
            connection.execute(STORE, (key, digest, body, now, request_id))
            return body, False
        finally:
            connection.execute("commit")

    def _stored(self, found: tuple[bytes, bytes], digest: bytes) -> bytes:
        if found[0] != digest:
            raise Problem(422, "Idempotency-Key: used before with another request")
        return found[1]

    def _open(self) -> "sqlite3.Connection":
        import sqlite3

        if self._connection is None:
            try:
                self._file.touch(MODE)
                self._connection = connect(self._file)
            except (OSError, sqlite3.Error) as error:
                raise StoreError(str(error)) from error
        return self._connection


def connect(file: Path) -> "sqlite3.Connection":
    """Open the file, made where it is empty; raises sqlite3.Error."""
    import sqlite3

    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    with closing(connection.cursor()) as cursor:
        use_write_ahead_log(cursor)
        cursor.execute("pragma synchronous=normal")  # a power cut leaves no broken file
        cursor.execute("pragma secure_delete=on")
        cursor.execute(CREATE)
        cursor.execute(INDEX)
    return connection


def use_write_ahead_log(cursor: "sqlite3.Cursor") -> None:
    """Set the journal's mode, for which SQLite itself does not wait until other workers did."""
    import sqlite3

    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("pragma journal_mode=wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.001)
        else:
            return
