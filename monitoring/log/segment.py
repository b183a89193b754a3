"""A segment: a file of JSON lines, written by one server process (docs/record.md)."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from .record import DamagedLogError

SUFFIX = ".jsonl"
PATTERN = f"score-*{SUFFIX}"
READ_BYTES = 1 << 20
ERASED = b'{"v":1,"kind":"erased",'

Decoded = TypeVar("Decoded")


class Segment:
    """One segment. After reading to the end, `torn` is the length in bytes of a torn last line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stem = path.stem
        self.torn = 0

    def size(self) -> int:
        """Return the file's current size in bytes."""
        return self.path.stat().st_size

    def is_closed(self) -> bool:
        """Whether no server is writing it: the writer holds an exclusive lock."""
        with self.path.open("rb") as file:
            return lock(file.fileno(), fcntl.LOCK_SH)

    def lines(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (byte offset, line with its newline) of every complete line from `start` on.

        A last line without a newline is torn or still being written: it is counted, not yielded.
        """
        with self.path.open("rb", buffering=READ_BYTES) as file:
            file.seek(start)
            offset = start
            for line in file:
                if not line.endswith(b"\n"):
                    self.torn = len(line)
                    return
                yield offset, line
                offset += len(line)

    def decoded(self, decode: Callable[[bytes], Decoded]) -> Iterator[tuple[bytes, Decoded]]:
        """Yield (line, decoded line) of all lines that are not erased."""
        for offset, line in self.lines():
            if not is_erased(line):
                yield line, self.decode_line(decode, offset, line)

    def decode_line(self, decode: Callable[[bytes], Decoded], offset: int, line: bytes) -> Decoded:
        """Return the decoded line; raises DamagedLogError naming file and offset."""
        try:
            return decode(line)
        except msgspec.DecodeError as error:
            raise DamagedLogError(f"{self.path}, byte {offset}: not a record: {error}") from error
        except UnicodeDecodeError as error:
            raise DamagedLogError(f"{self.path}, byte {offset}: not UTF-8: {error}") from error


def is_erased(line: bytes) -> bool:
    """Whether `log erase` has blanked this line."""
    return line.startswith(ERASED)


def lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock a segment; return False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that its file names survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
