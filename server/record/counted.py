"""Copy the counts of the log's writer into the shared counters."""

from ..metrics.counters import Counters
from .recorder import Recorder


class LogCounters:
    """Adds what was written since the last call."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._seen = dict.fromkeys(("records", "bytes", "failures", "unrecorded"), 0)

    def sync(self, recorder: Recorder) -> None:
        """Update the counters."""
        now = {
            "records": recorder.records,
            "bytes": recorder.bytes,
            "failures": recorder.failures.requests,
            "unrecorded": recorder.failures.unrecorded,
        }
        for name, value in now.items():
            self._counters.add(f"log_{name}", value - self._seen[name])
        self._seen = now
