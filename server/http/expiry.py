"""Old answers leave the store, and new ones reach the disk: in a thread, since both may wait.

One in each worker that has a store; which of them does it is all the same.
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
        """Begin as soon as there is a file, be it of a server before this one."""
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
        """Say once that it fails, and once that it does no more."""
        import sqlite3

        try:
            self.expire()
        except sqlite3.Error as error:
            if not (self._fails or isinstance(failed(error), BusyError)):  # then in the next second
                self._fails = True
                log.error("kept the stored answers: %s", error)
        else:
            if self._fails:
                self._fails = False
                log.info("old stored answers are deleted again")
