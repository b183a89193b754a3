"""Files made from a model once and kept, under names that say what they were made from.

Standard library alone: every environment of an engine imports it.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

PEERS = Path(__file__).parent.parent / "peers"
DIGITS = 16


def named(folder: Path, name: str, *made_from: bytes) -> Path:
    """Return where the file stands: `name` with a hash of all that it is made from in it."""
    digests = b"".join(hashlib.sha256(each).digest() for each in made_from)
    key = hashlib.sha256(digests).hexdigest()[:DIGITS]
    plain = Path(name)
    return folder / f"{plain.stem}-{key}{plain.suffix}"


def make(path: Path, write: Callable[[Path], object]) -> Path:
    """Return the file; where it is absent, let `write` make it elsewhere and rename it when whole.

    What `write` leaves when it is interrupted has another name, which nobody looks for.
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
