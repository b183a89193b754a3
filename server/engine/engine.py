"""The engine: rows of float64 to raw scores. This is all the server knows of one.

There are two: `session.Session`, which runs model.onnx in onnxruntime, and
`native.engine.Native`, which walks its trees in C. One belongs to one thread: it has one row.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from ..bundle.applicant import Floats

WARM_UP_RUNS = 50


class Engine(Protocol):
    """`row` is float64 [F] and `raw` float64 [K]; both stay where they are."""

    name: str
    row: Floats
    raw: Floats

    def score(self, values: Sequence[Any]) -> tuple[bytes, list[float]] | None:
        """Fill the row from a tuple of values and score it, in one call.

        For bodies that only msgspec decodes, such as names escaped as Python's json writes them:
        about 2 µs less than the long way takes. Returns the row as bytes and its K raw scores; None
        where a value asks for a closer look, or where the engine does not fill rows.
        """

    def score_json(self, body: bytes) -> tuple[bytes, list[float]] | None:
        """Decode one applicant, fill the row and score it, in one call; as `score` returns it.

        None for all that is not plainly fine, which may still be: the long way finds out.
        """

    def score_msgpack(self, body: bytes) -> tuple[bytes, list[float]] | None:
        """Do as score_json does, for MessagePack."""

    def score_row(self) -> None:
        """Score `row` into `raw`."""

    def score_block(self, rows: Floats) -> Floats:
        """Score float64 [N, F] and return raw scores [N, K]."""


def warm_up(engine: Engine, rows: Floats) -> None:
    """Run often enough for the caches and the allocator to settle."""
    for i in range(WARM_UP_RUNS):
        engine.row[:] = rows[i % len(rows)]
        engine.score_row()
