"""The body of a request while it arrives."""

MOST_PIECES = 64


class Body:
    """The pieces received; `count` is their size in bytes, kept or not.

    `drops`: nothing is kept, because nobody will read it; None while unknown. Setting both again
    begins the next request's body.
    """

    __slots__ = ("_pieces", "count", "drops")

    def __init__(self) -> None:
        self.count = 0
        self.drops: bool | None = None
        self._pieces: list[bytes | bytearray] = []

    def add(self, piece: bytes) -> None:
        """Add a piece."""
        self.count += len(piece)
        if not self.drops:
            self._pieces.append(piece)
            if len(self._pieces) == MOST_PIECES:
                self._join()

    def drop(self) -> None:
        """Keep nothing of the body, now and later."""
        self._pieces.clear()
        self.drops = True

    def take(self) -> bytes:
        """Return the body and release it."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole

    def _join(self) -> None:
        """Join many small pieces: an object for each would take more memory than the bytes."""
        first, *others = self._pieces
        whole = first if isinstance(first, bytearray) else bytearray(first)
        whole += b"".join(others)
        self._pieces[:] = [whole]
