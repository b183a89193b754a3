"""Convert tensors of the Open Inference Protocol to float64 and back."""

import struct
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from ..bundle.applicant import Floats
from ..scoring.lenient import shorten
from .wire import Input, OipError

DTYPES: dict[str, str] = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1",
    "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
Array = npt.NDArray[Any]
Buffer = TypeVar("Buffer", bytes, memoryview, bytes | memoryview)


def read(tensor: Input, binary: Buffer, width: int) -> tuple[Floats, Buffer]:
    """Return one input as float64 [N, width], and the binary data after it.

    Raises OipError 400 for an invalid shape, type or data.
    """
    dtype = DTYPES.get(tensor.datatype)
    if dtype is None:
        got = shorten(tensor.datatype)
        raise OipError(400, f"{tensor.name}: wanted datatype FP64, got {got}")
    if len(tensor.shape) != 2 or tensor.shape[1] != width or tensor.shape[0] < 1:
        got = shorten(str(list(tensor.shape)))
        raise OipError(400, f"{tensor.name}: wanted shape [-1, {width}], got {got}")
    count = tensor.shape[0] * width
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        flat = from_json(tensor, np.dtype(dtype), count, width)
    else:
        flat, binary = from_binary(tensor, np.dtype(dtype), count, size, binary)
    return widen(tensor.name, flat).reshape(tensor.shape), binary


def from_binary(
    tensor: Input, dtype: "np.dtype[Any]", count: int, size: Any, binary: Buffer
) -> tuple[Array, Buffer]:
    """Cut one tensor from the binary data."""
    wanted = count * dtype.itemsize
    if type(size) is not int or size != wanted or len(binary) < wanted:
        got = shorten(str(size))
        raise OipError(400, f"{tensor.name}: wanted {wanted} bytes, got {got} of {len(binary)}")
    return np.frombuffer(binary, dtype, count), binary[wanted:]


def from_json(tensor: Input, dtype: "np.dtype[Any]", count: int, width: int) -> Array:
    """Read `count` values, flat or in rows of `width`; null is NaN, for any type."""
    try:
        check_size(bytes(tensor.data), count)
        data = msgspec.json.decode(tensor.data, type=list[Any])
        values = flatten(data, width)
        kinds = set(map(type, values)) - {type(None)}
        if len(values) != count or not kinds <= {int, float, bool}:
            raise ValueError(f"{len(values)} values of {sorted(k.__name__ for k in kinds)}")
        if (bool in kinds) != (dtype.kind == "b" and bool(kinds)):
            raise ValueError("booleans stand for nothing but BOOL")
        if dtype.kind in "iu":
            np.array(whole(values), dtype)  # raises if one is out of range
        elif dtype == np.float64:
            check_exact(values)
        if None in values or dtype.kind == "f":
            with np.errstate(over="ignore"):  # what float32 does not hold is refused as infinite
                wide = np.array(values, np.float64)
                return wide.astype(dtype) if dtype.kind == "f" else wide
        return np.array(values, dtype)
    except (msgspec.DecodeError, ValueError, OverflowError, TypeError, RecursionError) as error:
        message = f"{tensor.name}: wanted {count} values of {tensor.datatype}, got {error}"
        raise OipError(400, message) from error


def whole(values: list[Any]) -> list[int]:
    """Return the numbers that are present as integers; raises ValueError for a fraction."""
    numbers = [value for value in values if value is not None]
    for number in numbers:
        if isinstance(number, float) and not number.is_integer():
            raise ValueError(f"a fraction, {number!r}")
    return [int(number) for number in numbers]


def check_exact(values: list[Any]) -> None:
    """Raise ValueError for an integer that float64 would round."""
    for value in values:
        if type(value) is int and float(value) != value:
            raise ValueError(f"{shorten(str(value))}, which float64 would round")


def check_size(data: bytes, count: int) -> None:
    """Raise ValueError for data with more than `count` values, before decoding them.

    There is a comma between any two values; a list around each is allowed for.
    """
    commas, lists = data.count(b","), data.count(b"[")
    if commas >= count or lists > 2 * count + 1:
        raise ValueError(f"{commas + 1} values in {lists} lists")


def flatten(data: list[Any], width: int) -> list[Any]:
    """Return a list as it is, or its rows as one; raises ValueError for rows of another width."""
    if not any(isinstance(part, list) for part in data):
        return data
    for place, row in enumerate(data):
        if not isinstance(row, list) or len(row) != width:
            got = f"{len(row)} values" if isinstance(row, list) else "a value without a row"
            raise ValueError(f"{got} at row {place}, where a row has {width}")
    return [value for row in data for value in row]


def widen(name: str, flat: Array) -> Floats:
    """Return float64; raises OipError 400 for an integer that it cannot hold exactly."""
    with np.errstate(invalid="ignore"):  # a signalling NaN
        wide = flat.astype(np.float64)
    if flat.dtype.kind in "iu" and flat.itemsize == 8 and (abs(wide) >= 2.0**53).any():
        raise OipError(400, f"{name}: an integer of 2**53 or more")
    return wide


def to_binary(values: list[Any], datatype: str) -> bytes:
    """Encode flat values: FP64 little-endian, BYTES each after its length."""
    if datatype == "FP64":
        return struct.pack(f"<{len(values)}d", *values)
    texts = [str(value).encode() for value in values]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
