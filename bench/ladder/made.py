"""Files derived from a model, made once; their names contain a hash of what they were made from.

Uses only the standard library, because every engine's environment imports it.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

PEERS = Path(__file__).parent.parent / "peers"
DIGITS = 16


def named(folder: Path, name: str, *made_from: bytes) -> Path:
    """Return the path: `name` with a hash of everything it is made from."""
    digests = b"".join(hashlib.sha256(each).digest() for each in made_from)
    key = hashlib.sha256(digests).hexdigest()[:DIGITS]
    plain = Path(name)
    return folder / f"{plain.stem}-{key}{plain.suffix}"


def make(path: Path, write: Callable[[Path], object]) -> Path:
    """Return the file; if it is missing, let `write` make it under a temporary name, then
    rename it.
    """
    if not path.exists():
        with TemporaryDirectory(dir=path.parent, suffix=".part") as folder:
            part = Path(folder) / path.name
            write(part)
            part.replace(path)
    return path


def pins(environment: str) -> bytes:
    """Return the pinned versions of an engine's own environment."""
    return (PEERS / environment / "requirements.txt").read_bytes()
