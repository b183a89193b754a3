"""Read tensors of datatype BYTES as texts."""

import msgspec

from ..scoring.lenient import shorten
from .wire import Input, OipError

Texts = list[str | None]
LENGTH = 4  # bytes before each text in binary data


def read(tensor: Input, binary: memoryview, count: int) -> tuple[Texts, memoryview]:
    """Return `count` texts, None where null, and the binary data after them.

    Raises OipError 400.
    """
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        return from_json(tensor, count), binary
    if type(size) is not int or not 0 <= size <= len(binary):
        got = shorten(str(size))
        raise OipError(400, f"{tensor.name}: wanted at most {len(binary)} bytes, got {got}")
    return from_binary(tensor.name, bytes(binary[:size]), count), binary[size:]


def from_json(tensor: Input, count: int) -> Texts:
    """Read ["a", null] or [["a"], [null]]."""
    data = bytes(tensor.data)
    try:
        # Count before decoding: a text has two quotes that no backslash precedes.
        if data.count(b'"') - data.count(b'\\"') > 2 * count:
            raise ValueError("more")
        values = flat(data)
        if len(values) != count:
            raise ValueError(str(len(values)))
    except (ValueError, msgspec.DecodeError) as error:
        message = f"{tensor.name}: wanted {count} texts or nulls, got {error}"
        raise OipError(400, message) from error
    return values


def flat(data: bytes) -> Texts:
    """Decode a list, or a list of lists of one."""
    try:
        return msgspec.json.decode(data, type=Texts)
    except msgspec.ValidationError:
        nested = msgspec.json.decode(data, type=list[tuple[str | None]])
        return [value for (value,) in nested]


def from_binary(name: str, data: bytes, count: int) -> Texts:
    """Read texts in UTF-8, each after its length in four bytes, little-endian."""
    values: Texts = []
    at = 0
    try:
        for _ in range(count):
            start = at + LENGTH
            at = start + int.from_bytes(data[at:start], "little")
            if at > len(data) or start > len(data):
                raise ValueError(f"{len(data)} bytes that end within one")
            values.append(data[start:at].decode())
        if at != len(data):
            raise ValueError(f"{len(data) - at} bytes more")
    except ValueError as error:
        raise OipError(400, f"{name}: wanted {count} texts in UTF-8, got {error}") from error
    return values
