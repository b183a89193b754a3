"""The usual lines of the prediction log, written in C; see line.c."""

from typing import TYPE_CHECKING, TypeAlias

from .powers import powers_of_five

if TYPE_CHECKING:
    from . import _kernel

Lines: TypeAlias = "_kernel.Line"
Line: "type[_kernel.Line] | None"
try:
    from ._kernel import Line
except ImportError:  # not built, or built from older sources
    Line = None


def lines(before: bytes, model: bytes) -> "Lines | None":
    """Return a writer of lines between their constant parts; None if not built.

    `before` ends where the time begins; `model` is between index and raw score. It returns None for
    lines of which one is not plain.
    """
    return None if Line is None else Line(before, model, powers_of_five())
