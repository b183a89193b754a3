"""Answers that differ in a number and a decision, written in C; see answers.c."""

from .layout import Buffer
from .powers import powers_of_five

try:
    from ._kernel import write_answers as _write_answers
except ImportError:  # not built, or built from older sources
    _write_answers = None  # type: ignore[assignment]


def write_answers(
    head: tuple[bytes, bytes] | None, body: tuple[bytes, bytes], ids: list[str],
    tails: tuple[bytes, ...], is_json: bool, numbers: Buffer, chosen: Buffer,
) -> list[bytes] | None:  # fmt: skip
    """Return answers: `body` up to the request id and up to the number, the tail chosen for each.

    With `head`, fields up to the request id and up to the length, each has the end of its HTTP
    head. The number is written as JSON or as MessagePack. `numbers`
    are float64 [N], `chosen` int8 [N]. None if a number is not plain, or if the C code is not
    built.
    """
    if _write_answers is None:
        return None
    return _write_answers(head, *body, ids, tails, is_json, numbers, chosen, powers_of_five())
