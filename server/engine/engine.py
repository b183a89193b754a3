"""The engine: from float64 rows to raw scores. The server knows engines only by this interface.

There are two: `session.Session` runs model.onnx in onnxruntime, and `native.engine.Native`
evaluates its trees in C. An engine belongs to one thread, because it has one row.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from ..bundle.applicant import Floats

WARM_UP_RUNS = 50
Block = tuple[bytes, bytes, list[int], list[int]]
"""An array of N applicants: their rows, float64 [N, F]; where each begins and ends in the body,
int64 [N, 2]; which have a number outside the range seen in training; and which need a closer look:
their rows are zeros."""


class Engine(Protocol):
    """`row` is float64 [F] and `raw` float64 [K]; both buffers are reused."""

    name: str
    row: Floats
    raw: Floats

    def score(self, values: Sequence[Any]) -> tuple[bytes, list[float]] | None:
        """Fill the row from a tuple of values and score it, in one call.

        For bodies that only msgspec can decode, such as those with escaped names; it saves about 2
        µs. Returns the row as bytes and its K raw scores; None if a value needs a closer look, or
        if the engine does not fill rows.
        """

    def score_json(self, body: bytes) -> tuple[bytes, list[float]] | None:
        """Decode one applicant, fill the row and score it, in one call; returns what
        `score` returns.

        None for every body that is not plain and valid; the general path decides about those.
        """

    def score_msgpack(self, body: bytes) -> tuple[bytes, list[float]] | None:
        """Like score_json, for MessagePack."""

    def block_json(self, body: bytes, most: int) -> Block | None:
        """Decode an array of at most `most` applicants; None for a body that is not plainly that.

        What begins and ends an applicant that needs a closer look may not be one.
        """

    def block_msgpack(self, body: bytes, most: int) -> Block | None:
        """Like block_json, for MessagePack."""

    def bodies_json(self, bodies: list[bytes]) -> Block | None:
        """Decode bodies of one applicant each, which begin and end as if joined to one; None if
        the engine does not fill rows.
        """

    def bodies_msgpack(self, bodies: list[bytes]) -> Block | None:
        """Like bodies_json, for MessagePack."""

    def score_row(self) -> None:
        """Score `row` into `raw`."""

    def score_block(self, rows: Floats) -> Floats:
        """Score float64 [N, F] and return raw scores [N, K]."""


def warm_up(engine: Engine, rows: Floats) -> None:
    """Score often enough for caches and the allocator to settle."""
    for i in range(WARM_UP_RUNS):
        engine.row[:] = rows[i % len(rows)]
        engine.score_row()
