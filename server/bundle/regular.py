"""Read files of a folder safely: only regular files inside it, up to a maximum size.

Opening a FIFO would wait, opening a device may have effects, and a link may lead outside.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


class UnfitFileError(Exception):
    """A file that is refused; the message is one line with its name and the reason."""


@contextmanager
def opened(file: Path, most: int) -> Iterator[tuple[BufferedReader, int]]:
    """Open a regular file inside its folder with at most `most` bytes; yield it and its size.

    `file` includes the folder. Links are followed if they stay inside. Raises UnfitFileError.
    """
    try:
        check_place(file)
        check_kind(file, os.stat(file))
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as content:
            found = os.fstat(descriptor)
            check_kind(file, found)
            if found.st_size > most:
                raise UnfitFileError(f"{file}: wanted at most {most} bytes, got {found.st_size}")
            yield content, found.st_size
    except OSError as error:
        raise UnfitFileError(f"{file}: {error.strerror}") from error
    except ValueError as error:  # the name holds a NUL
        raise UnfitFileError(f"{str(file)!r}: {error}") from error


def read(file: Path, most: int) -> bytes:
    """Return the content; raises UnfitFileError."""
    with opened(file, most) as (content, size):
        found = content.read(size + 1)
    if len(found) != size:
        raise UnfitFileError(f"{file}: changed while it was read")
    return found


def sha256(file: Path, most: int) -> str:
    """Return the hash of the content without keeping it; raises UnfitFileError."""
    with opened(file, most) as (content, _):
        return hashlib.file_digest(content, "sha256").hexdigest()


def check_place(file: Path) -> None:
    """Raise UnfitFileError if the file's name or a link leads outside its folder."""
    folder, found = os.path.realpath(file.parent), os.path.realpath(file)
    if os.path.commonpath([folder, found]) != folder or folder == found:
        raise UnfitFileError(f"{file}: wanted a file in this folder, got {found}")


def check_kind(file: Path, found: os.stat_result) -> None:
    """Raise UnfitFileError if this is not a regular file."""
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise UnfitFileError(f"{file}: wanted a regular file, got {kind}")


def refuse_waiting(file: Path) -> None:
    """Raise UnfitFileError if something other than a regular file exists; links may lead
    anywhere.
    """
    try:
        found = os.stat(file)
    except OSError:
        return  # opening it will tell the reason
    check_kind(file, found)


KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device", stat.S_IFBLK: "a block device",
}  # fmt: skip
