"""A span of time that selects records."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import MonitoringError

MICROSECONDS = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Window:
    """Records with `since` <= time < `until`; None is unbounded."""

    since: datetime | None = None
    until: datetime | None = None

    def select(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the records of a batch inside the window."""
        if self.since is not None:
            batch = batch.filter(pc.greater_equal(batch["time"], _scalar(self.since)))
        if self.until is not None:
            batch = batch.filter(pc.less(batch["time"], _scalar(self.until)))
        return batch

    def may_touch(self, first: datetime, last: datetime) -> bool:
        """Whether records between two times may lie in the window."""
        return (self.since is None or last >= self.since) and (
            self.until is None or first < self.until
        )


EVER = Window()


def moment(text: str) -> datetime:
    """Parse a day or a time, UTC unless it has an offset. Raises MonitoringError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        wanted = "a day or time such as 2026-11-23 or 2026-11-23T21:42:56Z"
        raise MonitoringError(f"wanted {wanted}, got {text!r}") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _scalar(time: datetime) -> pa.Scalar:
    return pa.scalar(time, MICROSECONDS)
