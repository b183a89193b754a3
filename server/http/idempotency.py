"""Idempotency-Key: the same key and body get the same stored answer, from any worker.

One SQLite file beside the prediction log, shared by the workers of this host. It holds answers but
no features, and the request ids by which `log erase` finds them; deleted content is zeroed. A
request with a key is scored inside a write transaction, so that two at once count as one. Nothing
here waits: if the file is locked, the caller tries again, and other requests are answered
meanwhile. expiry.py does in a thread what waits for the disk.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .message import Answer
from .problem import Problem

if TYPE_CHECKING:
    import sqlite3  # imported with the first key; most servers never get one

CREATE = """create table if not exists answer
(key text primary key, digest blob not null, body blob not null, time real not null,
request_id text not null)"""
FIND = "select digest, body from answer where key = ? and time > ?"
STORE = "insert or replace into answer values (?, ?, ?, ?, ?)"
# Without this index each worker would scan the whole table once a second.
INDEX = "create index if not exists answer_time on answer (time)"
# Safe against power cuts; deleted content is zeroed; expiry.py waits for the disk.
SETTINGS = (
    "pragma journal_mode=wal", "pragma synchronous=normal", "pragma secure_delete=on",
    "pragma wal_autocheckpoint=0",
)  # fmt: skip
BUSY_SECONDS = 5.0  # how long a request waits for its turn
PRIMARY_CODE = 0xFF
MODE = 0o600


class StoreError(Exception):
    """A file of stored answers that cannot be opened or written."""


class BusyError(Exception):
    """Another process holds the file: try again. `answer` is used after too many tries."""

    answer: Answer


class Store:
    """The stored answers; each worker has one, all share the file."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._seconds = seconds
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def answer(
        self, key: str, request_id: str, request: tuple[bytes, ...], make: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        """Return the answer, and whether it was stored; `make` is called only for a new key.

        Raises BusyError if the file is locked, Problem 422 if the key was used with another
        request, 503 if the file fails, and what `make` raises: errors are not stored.
        """
        import sqlite3

        digest = hashlib.sha256(b"\0".join(request)).digest()
        try:
            return self._answer(key, request_id, digest, make)
        except (StoreError, sqlite3.Error) as error:
            raise Problem(503, f"Idempotency-Key: the store failed: {error}") from error

    def _answer(
        self, key: str, request_id: str, digest: bytes, make: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        import sqlite3

        connection = self._open()
        now = time.time()  # wall clock, since it must also hold after a restart
        try:
            connection.execute("begin immediate")
        except sqlite3.Error as error:
            raise failed(error) from error
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
            except OSError as error:
                raise StoreError(str(error)) from error
            except sqlite3.Error as error:
                raise failed(error) from error
        return self._connection


def connect(file: Path, patience: float = 0.0) -> "sqlite3.Connection":
    """Open the file, and create its table; raises sqlite3.Error.

    It waits for others at most `patience` seconds. Expiry does the syncing.
    """
    import sqlite3

    connection = sqlite3.connect(file, timeout=patience, isolation_level=None)
    try:
        for setting in (*SETTINGS, CREATE, INDEX):
            connection.execute(setting)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def failed(error: "sqlite3.Error") -> Exception:
    """Return the error to raise: BusyError if the file is locked, StoreError if it is unusable."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
    is_busy = code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return BusyError(str(error)) if is_busy else StoreError(str(error))
