"""Records that could not be written: counted, and reported on stderr once a minute."""

import sys
from collections.abc import Callable
from time import monotonic

import msgspec

SILENCE_SECONDS = 60.0


class Failures:
    """Counts for /metrics, and the alarm.

    `requests` could not be recorded; `unrecorded` of their answers were sent anyway, as the
    settings allow; `failing` is whether the last write failed.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.requests = 0
        self.unrecorded = 0
        self.failing = False
        self._clock = clock
        self._since = 0.0
        self._speak_at = 0.0

    def failed(self, error: OSError, requests: int, answered: int) -> None:
        """Count requests that could not be recorded; `answered` of them are answered anyway."""
        now = self._clock()
        self.requests += requests
        self.unrecorded += answered
        if not self.failing:
            self.failing, self._since = True, now
        if now >= self._speak_at:
            self._speak_at = now + SILENCE_SECONDS
            self._say("prediction log unwritable", error=error.strerror or str(error))

    def recovered(self) -> None:
        """Report that records are written again."""
        self.failing = False
        self._speak_at = 0.0
        self._say("prediction log written again", after_s=round(self._clock() - self._since, 1))

    def _say(self, event: str, **more: object) -> None:
        counts = {"requests": self.requests, "answers_unrecorded": self.unrecorded}
        line = msgspec.json.encode({"level": "error", "event": event, **more, **counts})
        sys.stderr.write(f"{line.decode()}\n")  # one write, because workers share stderr
        sys.stderr.flush()
