"""The cost of the prediction record: one worker with the record on and off, in pairs.

Each mode is a server of its own. Each round measures all modes, in rotating order, and a mode is
compared with `off` of the same round. `off` answers without building or writing a record; the
server itself has no such setting.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from server import run, settings
from server.bundle.tag import ModelTag
from server.http import services
from server.record import privacy
from server.record.line_writer import LineWriter
from server.record.recorder import Recorder, recorder

from .load import paired
from .load.body import json_of
from .result import Row

OFF = "off"
MODES: dict[str, dict[str, str]] = {
    OFF: {},
    "fsync never": {"log_fsync": "never"},
    "fsync interval, 0.1 s (default)": {"log_fsync": "interval"},
    "fsync always": {"log_fsync": "always"},
    "fsync interval, hash chain": {"log_fsync": "interval", "log_chain": "true"},
    "fsync interval, rows hashed": {"log_fsync": "interval", "log_features": "hashed"},
}


class NoLine(LineWriter):
    """Builds no line."""

    def write(self, *scored: Any) -> bytes:
        """Return nothing."""
        return b""

    def write_all(self, *scored: Any) -> bytes:
        """Return nothing."""
        return b""


class Off(Recorder):
    """Records nothing."""

    def writer(self, tag: ModelTag, kind: str = "score") -> LineWriter:
        """Return a writer that builds no line."""
        return NoLine(tag, kind, privacy.everything)

    def append(self, lines: bytes, count: int = 1) -> None:
        """Do nothing."""

    def flush(self, requests: int = 1) -> None:
        """Do nothing."""


def serve(model: str, port: int, folder: str, mode: str) -> None:
    """Run a server with one worker in this process."""
    if mode == OFF:
        setattr(services, "recorder", lambda chosen: Off(recorder(chosen).journal))  # noqa: B010
    salt = Path(folder) / "salt"
    salt.write_bytes(bytes(32))
    given: dict[str, Any] = {"model": model, "port": port, "log_dir": f"{folder}/log"}
    given |= {"access_log": "0", "log_salt_file": str(salt)}
    run.run(settings.read({}, {**given, **MODES[mode]}))


def measure(model: Path, rows: Path, rounds: int, seconds: int) -> list[Row]:
    """Return a row per mode: medians over rounds, and those of the differences to `off`."""
    found = paired.compare(serve, model, dict.fromkeys(MODES, json_of(rows)), rounds, seconds)
    return [{"model": model.parent.name, "label": mode, **row_of(mode, found), "rounds": rounds}
            for mode in MODES]  # fmt: skip


def row_of(mode: str, rounds: Sequence[Mapping[str, Row]]) -> Row:
    """Return the medians of a mode and, unless it is `off`, what it is above that."""
    row: Row = {key: median(each[mode][key] for each in rounds) for key in ("cpu_us", "per_second")}
    if mode == OFF:
        return row
    above = [each[mode]["cpu_us"] - each[OFF]["cpu_us"] for each in rounds]
    low, middle, high = np.quantile(above, (0.25, 0.5, 0.75)).tolist()
    return {
        **row, "above_us": middle, "above_low_us": low, "above_high_us": high,
        "above_share": median(each[mode]["cpu_us"] / each[OFF]["cpu_us"] - 1 for each in rounds),
        "rate_share": median(each[mode]["per_second"] / each[OFF]["per_second"] for each in rounds),
    }  # fmt: skip
