"""One append-only segment of the prediction log.

The contract: one `append` is one `os.write` to a file that this process created. When it returns,
the kernel has the bytes: they outlive this process, and a power cut once they are synced. When it
raises OSError, the segment ends where it ended before, or is `spoiled` and must not be used.
"""

import ctypes
import errno
import fcntl
import os
import secrets
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ..settings import SettingsError
from .chain import Chain

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
# After these errors the file is unchanged and can be written again once there is room.
ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
CANNOT_TELL = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EPERM})
PROBE_BYTES = 1 << 16
FALLOC_FL_KEEP_SIZE = 1  # Linux, falloc.h


class Segment:
    """Creates a file and holds its lock until `close`. Raises OSError."""

    def __init__(
        self, folder: Path, sequence: int, chained: bool = False, durable: bool = False
    ) -> None:
        start = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        boot = secrets.token_hex(4)
        stem = f"score-{start}-{socket.gethostname()}-{os.getpid()}-{boot}-{sequence}"
        self.path = folder / f"{stem}.jsonl"
        self.size = 0
        self.spoiled = False
        self._chain = Chain(stem) if chained else None
        self._fd = self._create(folder / f".{stem}.new", durable)

    def _create(self, unlocked: Path, durable: bool) -> int:
        """Lock the file before it gets its name, so that no reader takes it for closed."""
        descriptor = os.open(unlocked, FLAGS, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            unlocked.rename(self.path)
            if durable:
                sync_folder(self.path.parent)
        except OSError:
            os.close(descriptor)
            unlocked.unlink(missing_ok=True)
            raise
        return descriptor

    def append(self, lines: bytes) -> int:
        """Append complete lines with one write; return the number of bytes. Raises OSError."""
        data = self._chain.seal(lines) if self._chain else lines
        written = 0
        try:
            while written < len(data):  # again, to get the error that stopped the first write
                written += os.write(self._fd, data[written:] if written else data)
        except OSError as error:
            self.spoiled = error.errno not in ROOM
            if written:
                self._take_back()
            raise
        self.size += written
        if self._chain:
            self._chain.keep()
        return written

    def _take_back(self) -> None:
        """Cut off a partly written line: lines after it would be lost with it."""
        try:
            os.ftruncate(self._fd, self.size)
        except OSError:
            self.spoiled = True

    def has_room(self) -> bool:
        """Whether the file system has room; this is tried and undone without changing the size.

        A reader that follows the file must never see it longer than what is written: it would read
        zeros.
        """
        code = reserve(self._fd, self.size, PROBE_BYTES)
        if code in CANNOT_TELL:
            return has_blocks(self._fd)
        self._take_back()
        return code == 0

    def is_deleted(self) -> bool:
        """Whether the file was deleted: nobody would read what is written to it."""
        try:
            return os.fstat(self._fd).st_nlink == 0
        except OSError:
            return True

    def sync(self) -> None:
        """Wait until the device has everything that was appended. Raises OSError."""
        try:
            os.fdatasync(self._fd)
        except OSError:
            self.spoiled = True  # the kernel may have dropped pages it could not write
            raise

    def uncache(self) -> None:
        """Drop written pages from the page cache, since nobody here reads them again.

        Linux begins to write the others, see mm/fadvise.c.
        """
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # some file systems cannot, and keep it
                os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Release the lock: readers may then take the segment."""
        os.close(self._fd)


def reserve(descriptor: int, start: int, length: int) -> int:
    """Reserve room after the end of a file without changing its size; return 0 or an errno."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if call is None:  # not Linux
        return errno.EOPNOTSUPP
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return 0 if call(descriptor, FALLOC_FL_KEEP_SIZE, start, length) == 0 else ctypes.get_errno()


def has_blocks(descriptor: int) -> bool:
    """Whether the file system reports free blocks; it does not know about quotas."""
    try:
        found = os.fstatvfs(descriptor)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= PROBE_BYTES


def prepare(folder: Path) -> None:
    """Create the folder and check that files can be created in it.

    Raises OSError, SettingsError.
    """
    trial = folder / f".{os.getpid()}-{secrets.token_hex(4)}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(trial, FLAGS, 0o600))
    except PermissionError as error:
        raise SettingsError(forbidden(folder.absolute())) from error
    trial.unlink()


def forbidden(folder: Path) -> str:
    """Describe who may not write where, and how to fix it."""
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    user, owner = os.geteuid(), there.stat().st_uid
    mend = f"chown {user} it (in a container: what is mounted there)"
    if user == owner:
        mend = "chmod u+rwx it"
    return f"log_dir: user {user} may not write to {there}, which belongs to user {owner}: {mend}"


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a new file's name survives a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
