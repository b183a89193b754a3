"""The hash chain of a segment: each line carries a hash of itself and of all lines before it.

chain(n) = sha256(chain(n-1) + line n up to `,"chain":`), in hexadecimal. chain(0) is the SHA-256 of
the segment's file name without its suffix. An erased line keeps its chain value.
"""

import hashlib
import re

from .record import DamagedLogError
from .segment import Segment, is_erased

KEY = b',"chain":"'
LENGTH = 64
TAIL = len(KEY) + LENGTH + len(b'"}\n')
KEPT = re.compile(rb'"chain":"([0-9a-f]{64})"')


class BrokenChainError(DamagedLogError):
    """A line was changed, inserted or removed."""


class Chain:
    """Checks one segment; `head` is the chain value of the last line, in hexadecimal."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.head = hashlib.sha256(segment.stem.encode()).hexdigest().encode()
        self.lines = 0
        self.chained: bool | None = None

    def follow(self, offset: int, line: bytes) -> None:
        """Check one line. Raises BrokenChainError with the byte offset of the line."""
        body, key, end = line[:-TAIL], line[-TAIL : -TAIL + len(KEY)], line[-TAIL + len(KEY) :]
        erased = is_erased(line)
        kept = KEPT.search(line) if erased else None
        carries = kept is not None if erased else key == KEY
        if self.chained is None:
            self.chained = carries
        self.lines += 1
        if not self.chained and not carries:
            return
        wanted = hashlib.sha256(self.head + body).hexdigest().encode()
        got = kept.group(1) if kept else end[:LENGTH]
        if not carries or (not erased and got != wanted):
            raise BrokenChainError(
                f"{self.segment.path}, byte {offset}: the line that begins here, or one taken out "
                f"before it, was changed: its chain is not {wanted.decode()[:12]}…"
            )
        self.head = got
