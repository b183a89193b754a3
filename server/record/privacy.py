"""Which of the applicant's values a record holds: all, a keyed hash of the row, or none."""

import hmac
from collections.abc import Callable
from pathlib import Path

from msgspec import UNSET, Raw, UnsetType

from ..bundle.regular import UnfitFileError, refuse_waiting
from ..settings import Features

Shown = tuple[bytes | UnsetType, str | UnsetType, Raw | UnsetType]  # row, row_hash, features
Values = Callable[[bytes, bytes | None], Shown]  # arguments: the row, and what the client sent
SALT_BYTES = 16
NEWLINE, RETURN = b"\n\r"


class SaltError(Exception):
    """The salt file cannot be used; the message is one line and names it."""


def of(mode: Features, salt_file: Path | None) -> Values:
    """Return the function that selects the values of a line. Raises SaltError."""
    if mode == "all":
        return everything
    if mode == "none":
        return nothing
    return hashed(read_salt(salt_file))


def everything(row: bytes, features: bytes | None) -> Shown:
    """Keep the row, and what the client sent if it sent an object."""
    return row, UNSET, UNSET if features is None else Raw(on_one_line(features))


def nothing(row: bytes, features: bytes | None) -> Shown:
    """Keep neither."""
    return UNSET, UNSET, UNSET


def hashed(salt: bytes) -> Values:
    """Keep the row's HMAC-SHA256: who has salt and row can prove that this row was scored."""

    def show(row: bytes, features: bytes | None) -> Shown:
        return UNSET, hmac.digest(salt, row, "sha256").hex(), UNSET

    return show


def read_salt(file: Path | None) -> bytes:
    """Return the salt. Raises SaltError."""
    if file is None:
        raise SaltError("log_features=hashed needs log_salt_file")
    try:
        refuse_waiting(file)
        salt = file.read_bytes()
    except UnfitFileError as error:
        raise SaltError(str(error)) from error
    except OSError as error:
        raise SaltError(f"{file}: {error.strerror}") from error
    if len(salt) < SALT_BYTES:
        raise SaltError(f"{file}: wanted a salt of {SALT_BYTES} bytes or more, got {len(salt)}")
    return salt


def on_one_line(body: bytes) -> bytes:
    """Replace raw line breaks, which JSON allows only as white space."""
    if NEWLINE in body or RETURN in body:  # finding an int is ten times faster than finding bytes
        return body.replace(b"\n", b" ").replace(b"\r", b" ")
    return body
