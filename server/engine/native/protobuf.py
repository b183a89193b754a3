"""A minimal protocol buffers reader for model.onnx; every length is checked.

monitoring/ reads it through a link.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10
Ints = npt.NDArray[np.int64]
Field = tuple[int, int | memoryview]


class ProtobufError(Exception):
    """The bytes are not a message: what was wanted, and where."""


def fields(message: memoryview) -> Iterator[Field]:
    """Yield (number, value) of every field; raises ProtobufError.

    The value of a varint is an integer, of anything else its bytes.
    """
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield key >> 3, value
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(kind)
        if kind == BYTES:
            length, at = varint(message, at)
        if length is None or length > len(message) - at:
            raise ProtobufError(f"byte {at}: wanted a field that ends within its message")
        yield key >> 3, message[at : at + length]
        at += length


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return an unsigned integer of up to 64 bits and the position after it."""
    value = 0
    for count, byte in enumerate(message[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80 and value < 1 << 64:
            return value, at + count + 1
    raise ProtobufError(f"byte {at}: wanted the end of a varint")


def varints(run: memoryview) -> Ints:
    """Decode bytes that hold only varints, all at once, as int64; raises ProtobufError.

    Reading them one by one in Python would take longer than the rest of the start.
    """
    each = np.frombuffer(run, np.uint8)
    ends = np.flatnonzero(each < 0x80)
    if not len(each):
        return np.zeros(0, np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(0, np.int64)
    if not len(ends) or ends[-1] != len(each) - 1 or (ends - starts).max() >= LONGEST_VARINT:
        raise ProtobufError("wanted varints that end")
    values = np.zeros(len(ends), np.uint64)
    for place in range(int((ends - starts).max()) + 1):
        there = starts + place <= ends
        bits = (each[(starts + place)[there]] & 0x7F).astype(np.uint64)
        values[there] |= bits << np.uint64(7 * place)
    return values.view(np.int64)
