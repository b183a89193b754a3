"""A result file: what was measured, where and how. BENCHMARKS.md shows only these."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from . import host
from .host import Host

FOLDER = Path(__file__).parent / "results"
Row = dict[str, Any]


class ResultError(Exception):
    """A result file that cannot be read; the message is one line and names it."""


class Result(msgspec.Struct, frozen=True):
    """`bench/results/<name>.json`.

    `rows` are flat objects; a time ends in `_us`, `_ms` or `_s`, a size in `_mib` or `_kb`.
    """

    name: str
    measured: str
    commit: str
    quick: bool
    host: Host
    versions: dict[str, str]
    method: dict[str, str | int | float | list[int]]
    rows: list[Row]


def make(name: str, quick: bool, method: dict[str, Any], rows: list[Row]) -> Result:
    """Return a result with this time and machine."""
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    return Result(name, today, host.commit(), quick, host.describe(), host.versions(), method, rows)


def write(result: Result, folder: Path = FOLDER) -> Path:
    """Write the file as indented JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    return path


def read(name: str, folder: Path = FOLDER) -> Result | None:
    """Read one file, None if it was not measured; raises ResultError."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Result)
    except msgspec.DecodeError as error:
        raise ResultError(f"{path}: {error}") from error
