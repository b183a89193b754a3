"""Say on stderr how far a long run is: rows, rows a second, and the time left where it is known."""

import sys
from pathlib import Path
from threading import Lock
from time import monotonic

SECONDS = 1.0


class Progress:
    """Counts the rows of all threads; `total` is None where nobody knows it before the end."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._rows = self.parts_kept = 0
        self._began = self._said = monotonic()
        self._lock = Lock()

    def add(self, rows: int) -> None:
        """Count rows, and say so once a second."""
        with self._lock:
            self._rows += rows
            now = monotonic()
            if now - self._said >= SECONDS:
                self._said = now
                print(self._line(now - self._began), file=sys.stderr)

    def end(self, refused: int, aside: Path | None) -> None:
        """Say how many rows there were, how many have no score, and which parts were there.

        `aside` is where refused rows were written.
        """
        seconds = monotonic() - self._began
        where = f" (see {aside})" if aside else ""
        more = f", {refused:,} refused{where}" if refused else ""
        parts = "part was" if self.parts_kept == 1 else "parts were"
        more += f", {self.parts_kept:,} {parts} there already" if self.parts_kept else ""
        print(f"{self._rows:,} rows scored in {seconds:.1f} s{more}", file=sys.stderr)

    def _line(self, seconds: float) -> str:
        rate = self._rows / seconds
        if self._total is None or not rate:
            return f"{self._rows:,} rows, {rate:,.0f} a second"
        left = (self._total - self._rows) / rate
        return f"{self._rows:,} of {self._total:,} rows, {rate:,.0f} a second, {left:.0f} s left"
