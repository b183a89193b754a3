"""Delete old stored answers and sync new ones, in a thread, because both may wait for the disk.

Each worker with an idempotency store has one; it does not matter which of them does the work.
"""

import logging
import threading
import time
from pathlib import Path

from .idempotency import BUSY_SECONDS, BusyError, connect, failed

EVERY_SECONDS = 1.0
EXPIRE = """delete from answer where rowid in
(select rowid from answer where time <= ? order by time limit 1000)"""
CHECKPOINT = "pragma wal_checkpoint(passive)"
log = logging.getLogger(__name__)


class Expiry:
    """Deletes what is older than `seconds`, a thousand answers at a time, once a second."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._file = file
        self._seconds = seconds
        self._thread: threading.Thread | None = None
        self._fails = False

    def begin(self) -> None:
        """Begin as soon as the file exists; an earlier server may have made it."""
        if self._thread is None and self._file.exists():
            self._thread = threading.Thread(target=self._run, name="expiry", daemon=True)
            self._thread.start()

    def expire(self) -> None:
        """Delete once; raises sqlite3.Error."""
        connection = connect(self._file, BUSY_SECONDS)
        try:
            connection.execute(EXPIRE, (time.time() - self._seconds,))
            connection.execute(CHECKPOINT)
        finally:
            connection.close()

    def _run(self) -> None:
        while True:
            self._try()
            time.sleep(EVERY_SECONDS)

    def _try(self) -> None:
        """Try once; log once that it fails, and once that it works again."""
        import sqlite3

        try:
            self.expire()
        except sqlite3.Error as error:
            if not (
                self._fails or isinstance(failed(error), BusyError)
            ):  # retried in the next second
                self._fails = True
                log.error("kept the stored answers: %s", error)
        else:
            if self._fails:
                self._fails = False
                log.info("old stored answers are deleted again")
