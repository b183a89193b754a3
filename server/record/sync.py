"""When records are synced to the device: never, at an interval, or always."""

import threading
from time import monotonic
from typing import ClassVar, Protocol

from ..settings import Fsync
from .segment import Segment

STEP_BYTES = 128 * 1024


class Sync(Protocol):
    """What a journal reports about its segments."""

    durable: ClassVar[bool]

    def appended(self, segment: Segment) -> None:
        """Called after lines were appended. Raises OSError if lines cannot be synced."""

    def done_with(self, segment: Segment) -> None:
        """Close the segment: nothing more will be appended."""

    def stop(self) -> None:
        """Finish pending work."""


class Never:
    """Leave it to the kernel (Linux writes after 30 s at most): a power cut may lose that."""

    durable: ClassVar[bool] = False

    def appended(self, segment: Segment) -> None:
        """Do nothing."""

    def done_with(self, segment: Segment) -> None:
        """Close the segment."""
        segment.close()

    def stop(self) -> None:
        """Do nothing."""


class Always(Never):
    """Wait for the device before every answer."""

    durable: ClassVar[bool] = True

    def appended(self, segment: Segment) -> None:
        """Sync. Raises OSError."""
        segment.sync()


class Interval:
    """A thread that syncs every `seconds`: a power cut may lose that much.

    In between, the kernel begins to write every STEP_BYTES, without a wait: while the disk takes
    much at once, requests are slower.
    """

    durable: ClassVar[bool] = True

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._dirty: Segment | None = None
        self._begun = 0  # the segment's size when the last step began
        self._done: list[Segment] = []
        self._error: OSError | None = None
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="log-sync", daemon=True)
        self._thread.start()

    def appended(self, segment: Segment) -> None:
        """Mark the segment for syncing. Raises OSError if the thread had an error."""
        self._dirty = segment
        if abs(segment.size - self._begun) >= STEP_BYTES:  # smaller: it is a new one
            self._begun = segment.size
            self._wake.set()
        if self._error:
            error, self._error = self._error, None
            raise error

    def done_with(self, segment: Segment) -> None:
        """Let the thread sync and close the segment."""
        with self._lock:
            self._done.append(segment)

    def stop(self) -> None:
        """Sync and close the remaining segments."""
        self._is_stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        due = monotonic() + self._seconds
        while not self._is_stopping:
            self._wake.wait(due - monotonic())
            self._wake.clear()
            if monotonic() >= due:
                self._sync_all()
                due = monotonic() + self._seconds
            elif segment := self._dirty:
                segment.uncache()
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
    """Return the Sync for `mode`."""
    if mode == "interval":
        return Interval(seconds)
    return Always() if mode == "always" else Never()
