"""Allow one compaction or erasure at a time in a folder: two would undo each other's work."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import MonitoringError
from .segment import PATTERN, lock

LOCK = ".upkeep.lock"


@contextmanager
def sole(folders: list[Path]) -> Iterator[None]:
    """Lock every folder for upkeep. Raises MonitoringError if another process holds a lock."""
    with ExitStack() as stack:
        for folder in sorted(_all(folders)):
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, descriptor)
            if not lock(descriptor):
                raise MonitoringError(f"{folder}: another compact or erase is running here")
        yield


def _all(folders: list[Path]) -> set[Path]:
    """Return the folders, and those below that hold segments. Raises MonitoringError."""
    given = {(folder if folder.is_dir() else folder.parent).resolve() for folder in folders}
    if absent := [folder for folder in given if not folder.is_dir()]:
        raise MonitoringError(f"{absent[0]}: no such folder")
    return given | {path.parent for folder in given for path in folder.rglob(PATTERN)}
