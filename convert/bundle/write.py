"""Write a bundle atomically: into a temporary folder first, which is then renamed."""

import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from ..errors import OptionError

MANIFEST, SUMS, PROFILE = "manifest.json", "SHA256SUMS", "profile.json"
REFERENCE = "reference.parquet"
HERE, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def json_bytes(value: object) -> bytes:
    """Return indented JSON; floats in their shortest exact form, NaN refused."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def parquet_bytes(table: pa.Table) -> bytes:
    """Return `table` as Parquet."""
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def hashes_of(files: dict[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def sums(files: dict[str, bytes]) -> bytes:
    """Return `SHA256SUMS` for all files, as `sha256sum --check` and the server read it."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(hashes_of(files).items()))
    return "".join(lines).encode()


def check_place(place: Path, force: bool) -> None:
    """Raise OptionError if a bundle already exists at `place` and `force` is not given."""
    if place.exists() and not force:
        raise OptionError(f"{place} already exists; --force replaces it")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock `folder` against other processes that write bundles into it; raises OptionError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OptionError(f"--out {error.filename}: {error.strerror}") from error
    try:
        with suppress(OSError):  # some network file systems cannot lock a folder
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def write_bundle(place: Path, files: dict[str, bytes]) -> None:
    """Write `files` into a folder beside `place`, then rename it to `place`; raises OptionError.

    An existing bundle is exchanged in one step if the file system can. The caller must hold the
    lock on the parent folder (`locked`).
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise OptionError(f"--out {error.filename}: {error.strerror}") from error
    new, old = beside / "new", beside / "old"
    try:
        new.mkdir()
        for name, content in files.items():
            (new / name).write_bytes(content)
        if not (place.exists() and exchange(new, place)):
            if place.exists():
                os.replace(place, old)
            os.replace(new, place)
    except OSError as error:
        if old.exists():
            os.replace(old, place)
        raise OptionError(f"{place}: {error.strerror}; nothing was written") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what killed runs left beside `place`, except a folder with the only copy of a
    bundle.
    """
    ours = re.compile(re.escape(f".{place.name}-") + "[a-z0-9_]{8}")
    for left in place.parent.iterdir():
        if ours.fullmatch(left.name) and (place.exists() or not (left / "old").exists()):
            shutil.rmtree(left, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders atomically (renameat2, Linux); return False if that is not possible."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    done: int = rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE)
    return done == 0
