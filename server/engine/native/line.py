"""The usual line of the prediction log, written in C; see line.c."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .powers import powers_of_five

if TYPE_CHECKING:
    from . import _kernel

Line: "type[_kernel.Line] | None"
try:
    from ._kernel import Line
except ImportError:  # not built, or built from older sources
    Line = None

Output = float | list[float]
# Arguments: nanoseconds, request id, index, raw, prediction, decision, microseconds, row, features.
Write = Callable[
    [int, str, int, Output, Output, str | None, float, bytes, bytes | None], bytes | None
]


def write_at_once(before: bytes, model: bytes) -> Write | None:
    """Return a function that writes a line between its constant parts; None if not built.

    `before` ends where the time begins; `model` is between index and raw score. The function
    returns None for a line that is not plain.
    """
    return None if Line is None else Line(before, model, powers_of_five()).write
