"""The hash chain of a segment: each line carries a hash of itself and of all lines before it.

chain(n) = sha256(chain(n-1) + line n without it), in hexadecimal; chain(0) is the SHA-256 of the
file name's stem. docs/record.md says how to check it.
"""

import hashlib


class Chain:
    """Seals lines; sealed lines count only after `keep`, which means that they were written."""

    def __init__(self, stem: str) -> None:
        self._head = hashlib.sha256(stem.encode()).hexdigest().encode()
        self._sealed = self._head

    def seal(self, lines: bytes) -> bytes:
        """Return the lines, each an object and a newline, with the chain as their last key."""
        head, sealed = self._head, []
        for body in lines[:-2].split(b"}\n"):
            head = hashlib.sha256(head + body).hexdigest().encode()
            sealed.append(b'%b,"chain":"%b"}\n' % (body, head))
        self._sealed = head
        return b"".join(sealed)

    def keep(self) -> None:
        """Continue from the last sealed line."""
        self._head = self._sealed
