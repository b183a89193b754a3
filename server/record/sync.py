"""When the device, and not only the kernel, has a record: never waited for, every while, always."""

import threading
from typing import ClassVar, Protocol

from ..settings import Fsync
from .segment import Segment


class Sync(Protocol):
    """What a journal tells of its segments."""

    durable: ClassVar[bool]

    def appended(self, segment: Segment) -> None:
        """Lines were appended. Raises OSError where they, or earlier ones, cannot be synced."""

    def done_with(self, segment: Segment) -> None:
        """Nothing more will be appended: close it."""

    def stop(self) -> None:
        """Finish what was begun."""


class Never:
    """Leaves it to the kernel (Linux writes after 30 s at most): a power cut may lose that."""

    durable: ClassVar[bool] = False

    def appended(self, segment: Segment) -> None:
        """Do nothing."""

    def done_with(self, segment: Segment) -> None:
        """Close the segment."""
        segment.close()

    def stop(self) -> None:
        """Do nothing."""


class Always(Never):
    """Waits for the device before every answer."""

    durable: ClassVar[bool] = True

    def appended(self, segment: Segment) -> None:
        """Sync. Raises OSError."""
        segment.sync()


class Interval:
    """A thread that syncs every `seconds` what was appended since: a power cut loses that long."""

    durable: ClassVar[bool] = True

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._dirty: Segment | None = None
        self._done: list[Segment] = []
        self._error: OSError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-sync", daemon=True)
        self._thread.start()

    def appended(self, segment: Segment) -> None:
        """Mark the segment. Raises OSError where the thread met one since."""
        self._dirty = segment
        if self._error:
            error, self._error = self._error, None
            raise error

    def done_with(self, segment: Segment) -> None:
        """Let the thread sync and close the segment."""
        with self._lock:
            self._done.append(segment)

    def stop(self) -> None:
        """Sync and close what is left."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            self._sync_all()
        self._sync_all()

    def _sync_all(self) -> None:
        with self._lock:
            done, self._done = self._done, []
        dirty, self._dirty = self._dirty, None
        if dirty and dirty not in done:
            self._sync(dirty)
        for segment in done:
            self._sync(segment)
            segment.close()

    def _sync(self, segment: Segment) -> None:
        try:
            segment.sync()
        except OSError as error:
            self._error = error
        else:
            segment.uncache()


def of(mode: Fsync, seconds: float) -> Sync:
    """Return what does `mode`."""
    if mode == "interval":
        return Interval(seconds)
    return Always() if mode == "always" else Never()
