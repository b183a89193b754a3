"""The journal of one process: its segments, one after the other, by size and by day.

The contract: `write` returns when all given lines are in one segment, complete, or raises OSError;
then no answer may rely on them. The next `write` tries again.
"""

from pathlib import Path
from time import monotonic, time

from .segment import Segment
from .sync import Sync

DAY_SECONDS = 86_400
LOOK_SECONDS = 1.0  # how often to check for a deleted file
RETRY_SECONDS = 1.0  # how often to try a new segment after one was spoiled


class Journal:
    """Writes to a folder; begins a segment with its first lines."""

    def __init__(self, folder: Path, sync: Sync, segment_bytes: int, chained: bool = False) -> None:
        self._folder = folder
        self._sync = sync
        self._segment_bytes = segment_bytes
        self._chained = chained
        self._segment: Segment | None = None
        self._sequence = 0
        self._begins_at = self._ends_at = 0.0  # its day, by the wall clock
        self._look_at = self._retry_at = 0.0  # by the monotonic clock
        self._refusal = OSError()

    def write(self, lines: bytes, now: float) -> int:
        """Append complete lines at `now`, in seconds since 1970; return the number of bytes.

        Raises OSError.
        """
        segment, passed = self._segment, monotonic()
        if segment is None or passed >= self._look_at or not self._fits(segment, now):
            segment = self._current(now)
            self._look_at = passed + LOOK_SECONDS
        try:
            written = segment.append(lines)
            self._sync.appended(segment)
        except OSError as error:
            if segment.spoiled:
                self._give_up(error)
            raise
        return written

    def has_room(self) -> bool:
        """Whether a record could be written now; this is tried, for the readiness check."""
        try:
            segment = self._segment or self._begin(time())
        except OSError:
            return False
        return segment.has_room()

    def close(self) -> None:
        """Close the segment, synced if the settings say so. Raises OSError."""
        self._retire()
        self._sync.stop()

    def _current(self, now: float) -> Segment:
        """Return the segment to append to, a new one if the old one is full. Raises OSError."""
        old = self._segment
        if old is None:
            return self._begin(now)
        if old.is_deleted():
            self._retire()
            return self._begin(now)
        return old if self._fits(old, now) else self._succeed(old, now)

    def _fits(self, segment: Segment, now: float) -> bool:
        return segment.size < self._segment_bytes and self._begins_at <= now < self._ends_at

    def _succeed(self, old: Segment, now: float) -> Segment:
        """Begin the next segment; if that fails, keep the old one, which then grows too long."""
        try:
            new = self._begin(now)
        except OSError:
            return old
        self._sync.done_with(old)
        return new

    def _begin(self, now: float) -> Segment:
        if monotonic() < self._retry_at:
            raise OSError(self._refusal.errno, self._refusal.strerror, str(self._folder))
        try:
            segment = Segment(self._folder, self._sequence, self._chained, self._sync.durable)
        except OSError as error:
            self._refuse_for_a_while(error)
            raise
        self._segment = segment
        self._sequence += 1
        self._begins_at = now // DAY_SECONDS * DAY_SECONDS
        self._ends_at = self._begins_at + DAY_SECONDS
        return segment

    def _give_up(self, error: OSError) -> None:
        """Abandon a segment that can no longer be trusted; the next write tries a new one."""
        self._retire()
        self._refuse_for_a_while(error)

    def _refuse_for_a_while(self, error: OSError) -> None:
        self._refusal, self._retry_at = error, monotonic() + RETRY_SECONDS

    def _retire(self) -> None:
        if self._segment:
            self._sync.done_with(self._segment)
            self._segment = None
