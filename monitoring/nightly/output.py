"""Write the files of a run atomically: a reader never sees half a file."""

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from ..drift import prometheus
from ..drift.result import SCHEMA_VERSION, Drift
from ..outcomes.result import Outcomes
from ..rows.errors import DriftError

Document = TypeVar("Document")
JSON, PROM, OUTCOMES = "drift.json", "drift.prom", "outcomes.json"


def write(drift: Drift, outcomes: Outcomes | None, folder: Path) -> None:
    """Write drift.json, drift.prom and, if there are outcomes, outcomes.json. Raises DriftError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / JSON, document(drift))
        replace(folder / PROM, prometheus.to_text(drift).encode())
        if outcomes:
            replace(folder / OUTCOMES, document(outcomes))
    except OSError as error:
        raise DriftError(f"{folder}: cannot write: {error.strerror}") from error


def document(result: msgspec.Struct) -> bytes:
    """Return a result as indented JSON, which people can read and `diff`."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def replace(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def read(folder: Path) -> Drift:
    """Read drift.json. Raises DriftError."""
    drift = _read(folder / JSON, Drift)
    if drift.schema_version != SCHEMA_VERSION:
        raise DriftError(
            f"{folder / JSON}: wanted schema {SCHEMA_VERSION}, got {drift.schema_version}"
        )
    return drift


def read_outcomes(folder: Path) -> Outcomes:
    """Read outcomes.json. Raises DriftError."""
    return _read(folder / OUTCOMES, Outcomes)


def _read(path: Path, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise DriftError(f"{path}: {error.strerror}; `drift --out` writes it") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DriftError(f"{path}: {error}") from error
