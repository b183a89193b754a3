"""The body of a request that is on its way."""

MOST_PIECES = 64


class Body:
    """What came of it, in few pieces; `count` is its bytes, held or not.

    `drops`: nothing of it is held, since nobody will read it; None until that is known. What sets
    both anew begins the next request's.
    """

    __slots__ = ("_pieces", "count", "drops")

    def __init__(self) -> None:
        self.count = 0
        self.drops: bool | None = None
        self._pieces: list[bytes | bytearray] = []

    def add(self, piece: bytes) -> None:
        """Take a piece."""
        self.count += len(piece)
        if not self.drops:
            self._pieces.append(piece)
            if len(self._pieces) == MOST_PIECES:
                self._join()

    def drop(self) -> None:
        """Hold nothing of it, now and from now on."""
        self._pieces.clear()
        self.drops = True

    def take(self) -> bytes:
        """Return it, and hold it no more."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole

    def _join(self) -> None:
        """Hold many small pieces in one: an object each would be dearer than it."""
        first, *others = self._pieces
        whole = first if isinstance(first, bytearray) else bytearray(first)
        whole += b"".join(others)
        self._pieces[:] = [whole]
