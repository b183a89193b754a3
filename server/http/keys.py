"""API keys: hashed in a file that may change while serving, compared in constant time, scoped.

One JSON object per line: `{"id": "branch-7", "sha256": "…", "scopes": ["score"], "revoked":
false}`. A key has 256 random bits, so one round of SHA-256 protects it as well as many would.
"""

import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta

from ..bundle.regular import UnfitFileError, refuse_waiting
from .problem import Problem

SCOPES = ("score", "admin", "metrics")
CHALLENGE = [(b"www-authenticate", b'Bearer realm="credit"')]
MODE = 0o600
log = logging.getLogger(__name__)


class KeysError(Exception):
    """A keys file that cannot be used; the message is one line and names it."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the file; unknown keys are refused, since a misspelt `revoked` must not
    be ignored.
    """

    id: Annotated[str, Meta(pattern=r"^[^\x00-\x1f]+$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[str, ...]
    revoked: bool = False


class Keys:
    """The keys of a file, or none: then everything is open."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._stamp = stamp(file)
        self._keys = read(file) if file else {}

    def check(self, fields: dict[bytes, bytes], scope: str) -> str:
        """Return the caller's id, "" if no keys are needed.

        Raises Problem 401 for a missing, unknown or revoked key, and 403 for a wrong scope.
        """
        if self._file is None:
            return ""
        digest = hashlib.sha256(presented(fields)).hexdigest()
        key = self._keys.get(digest)
        if key is None or not hmac.compare_digest(key.sha256, digest):
            is_absent = not presented(fields)
            said = "wanted X-API-Key: KEY, or Authorization: Bearer KEY" if is_absent else "unknown"
            raise Problem(401, f"API key: {said}", headers=CHALLENGE)
        if key.revoked:
            raise Problem(401, f"API key {key.id}: revoked", headers=CHALLENGE)
        if scope not in key.scopes:
            raise Problem(
                403, f"API key {key.id}: wanted scope {scope}, got {', '.join(key.scopes)}"
            )
        return key.id

    def reload(self) -> None:
        """Read the file again if it changed; raises KeysError and keeps the old keys."""
        found = stamp(self._file)
        if self._file is not None and found != self._stamp:
            self._stamp = found
            self._keys = read(self._file)
            self.tell_if_closed()

    def tell_if_closed(self) -> None:
        """Log that no key is valid: an emptied file must not open everything."""
        if self._file is not None and all(key.revoked for key in self._keys.values()):
            log.error("%s: no valid key in it: every request that needs one gets 401", self._file)


def presented(fields: dict[bytes, bytes]) -> bytes:
    """Return the key that the client sent, as `Authorization: Bearer` or `X-API-Key`."""
    kind, _, token = fields.get(b"authorization", b"").partition(b" ")
    return token.strip() if kind.lower() == b"bearer" else fields.get(b"x-api-key", b"")


def read(file: Path) -> dict[str, Key]:
    """Return the keys by hash; raises KeysError."""
    try:
        refuse_waiting(file)
        lines = file.read_bytes().splitlines()
        keys = [msgspec.json.decode(line, type=Key) for line in lines if line.strip()]
    except UnfitFileError as error:
        raise KeysError(str(error)) from error
    except OSError as error:
        raise KeysError(f"{file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeysError(f"{file}: {error}") from error
    if unknown := {scope for key in keys for scope in key.scopes} - {*SCOPES}:
        raise KeysError(f"{file}: unknown scope {', '.join(sorted(unknown))}; known: {SCOPES}")
    return {key.sha256: key for key in keys}


def stamp(file: Path | None) -> tuple[int, int, int]:
    """Return values that change when the file changes."""
    try:
        found = file.stat() if file else None
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else (0, 0, 0)


def create(file: Path, name: str, scopes: tuple[str, ...]) -> str:
    """Append a new key's hash to the file and return the key, which is stored nowhere."""
    key = secrets.token_urlsafe(32)
    line = msgspec.json.encode(Key(name, hashlib.sha256(key.encode()).hexdigest(), scopes)) + b"\n"
    with file.open("a+b") as out:
        file.chmod(MODE)
        out.write(ending(out) + line)
    return key


def ending(file: BinaryIO) -> bytes:
    """Return a newline if the file's last line lacks one."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
