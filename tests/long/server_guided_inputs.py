"""Inputs of the guided fuzzer: a byte that says how a body is sent, then the body."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.long.server_fuzz import ODD

MESSAGE_PACK, PARTIAL, ANSWER_MESSAGE_PACK = 1, 2, 4
WAYS = 8  # of sending a body: every sum of these
MAX_BATCH = 20


def inputs(applicants: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a batch that is too long, then each applicant alone and in one; in every way."""
    for how in range(WAYS):
        yield packed(how, [0] * (MAX_BATCH + 1))
    for i, applicant in enumerate(applicants):
        for sent in (applicant, applicants[i : i + 3]):
            for how in range(WAYS):
                yield packed(how, sent)


def packed(how: int, sent: Any) -> bytes:
    """Return a value as an input."""
    encode = msgspec.msgpack.encode if how & MESSAGE_PACK else msgspec.json.encode
    return bytes([how]) + encode(sent)


def mutated(draw: random.Random, data: bytes) -> bytes | None:
    """Change one member or element of an input's body; None where it does not decode."""
    how, body = (data[0] if data else 0), data[1:]
    try:
        value = (msgspec.msgpack if how & MESSAGE_PACK else msgspec.json).decode(body)
        change(draw, draw.choice(value) if isinstance(value, list) else value)
        return packed(how, value)
    except (msgspec.MsgspecError, ArithmeticError, ValueError, TypeError, LookupError,
            AttributeError, RecursionError):  # fmt: skip
        return None


def change(draw: random.Random, applicant: Any) -> None:
    """Change, drop or rename a member of an applicant. Raises where it is none."""
    name = draw.choice(list(applicant))
    kind = draw.randrange(6)
    if kind == 0:
        del applicant[name]
    elif kind == 1:
        applicant[name + draw.choice(["", " ", "\u0000", "_"])] = applicant.pop(name)
    elif kind == 2:
        applicant[name] = draw.choice(ODD)
    else:
        applicant[name] = draw.choice(
            [None, draw.randrange(-3, 12), draw.uniform(-1e6, 1e6), 10 ** draw.uniform(-40, 40)]
        )
