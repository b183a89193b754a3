"""Read files named by the user: regular files of a bounded size, unpacked to a bounded size."""

import bz2
import gzip
import io
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import OptionError, UnreadableModelError

# The largest published models are about 300 MB; ONNX files cannot exceed 2 GB.
MOST_BYTES = 1 << 30
CHUNK = 1 << 26


def regular(path: Path, most: int = MOST_BYTES) -> Path:
    """Return `path` if it is a regular file of at most `most` bytes; raise OptionError otherwise.

    Devices and pipes are refused because reading them might never end.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"{str(path)[:200]}: {reason}") from error
    if not stat.S_ISREG(found.st_mode):
        raise OptionError(f"{path}: wanted a regular file, got {_kind(found.st_mode)}")
    if found.st_size > most:
        raise OptionError(f"{path}: {found.st_size} bytes, at most {most} are read")
    return path


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes; raises OptionError."""
    try:
        return regular(path, most).read_bytes()
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror}") from error


def unpacked(content: bytes) -> bytes:
    """Decompress gzip, bzip2, xz, lzma or zlib content; return anything else unchanged.

    Raises UnreadableModelError for damaged content and for more than `MOST_BYTES` after unpacking.
    """
    for start, name, parts in PACKED:
        if content.startswith(start):
            try:
                return _joined(parts(content))
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
                if name:
                    raise UnreadableModelError(f"a damaged {name} file: {error}") from error
    return content


def _joined(parts: Iterator[bytes]) -> bytes:
    found, size = [], 0
    for part in parts:
        size += len(part)
        if size > MOST_BYTES:
            raise UnreadableModelError(f"unpacks to more than {MOST_BYTES >> 20} MB")
        found.append(part)
    return b"".join(found)


def _gzip(content: bytes) -> Iterator[bytes]:
    return _read(gzip.GzipFile(fileobj=io.BytesIO(content)))


def _bzip2(content: bytes) -> Iterator[bytes]:
    return _read(bz2.BZ2File(io.BytesIO(content)))


def _lzma(content: bytes) -> Iterator[bytes]:
    return _read(lzma.LZMAFile(io.BytesIO(content)))


def _read(file: io.BufferedIOBase) -> Iterator[bytes]:
    while part := file.read(CHUNK):
        yield part


def _zlib(content: bytes) -> Iterator[bytes]:
    packed = zlib.decompressobj()
    while content and not packed.eof:
        yield packed.decompress(content, CHUNK)
        content = packed.unconsumed_tail
    if not packed.eof:
        raise EOFError("cut off")


# Its first bytes, its name if those bytes are unambiguous, and the function that unpacks it.
PACKED: tuple[tuple[bytes, str, Callable[[bytes], Iterator[bytes]]], ...] = (
    (b"\x1f\x8b", "gzip", _gzip),
    (b"BZh", "bzip2", _bzip2),
    (b"\xfd7zXZ", "xz", _lzma),
    (b"\x5d\x00\x00", "", _lzma),
    (b"\x78", "", _zlib),
)
