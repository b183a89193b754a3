"""The usual request, of numbers that are plainly fine: read into rows in C, in one pass.

It reads nothing that rows.py would refuse, and gives the same bits; all else is read the long way.
"""

import logging
from collections.abc import Sequence

import numpy as np

from ..bundle.applicant import NAN, Floats
from ..bundle.manifest import Category, Feature, Manifest
from ..engine.native.tensor import Read, reader
from .one_row import OneRow
from .rows import RowRules
from .tensors import DTYPES
from .wire import Request, is_whole

log = logging.getLogger(__name__)
TYPES = {
    name: (np.dtype(dtype).kind, np.dtype(dtype).itemsize)
    for name, dtype in DTYPES.items()
    if name not in {"BOOL", "FP16"}
}
MOST_VALUES = 64
ODD = (NAN, 0.0, -0.0, 1.0, 0.5, -1.0, 1e-36, 2.0**60)


class AtOnce:
    """Reads the tensors of one model; a single row goes to `row` [F], which is the engine's."""

    def __init__(self, manifest: Manifest, row: Floats, most_rows: int) -> None:
        features = manifest.features
        self._read = proved(reader(features), manifest)
        self._names = {feature.name for feature in features}
        self._inputs = OneRow(features)
        self._row = row.reshape(1, -1)
        self._width, self._most_rows = len(features), most_rows

    def rows(self, request: Request, binary: bytes | memoryview) -> tuple[Floats, bytes] | None:
        """Return rows [N, F] as the model sees them, and what engine.native.tensor.reader says.

        None if the request is to be read the long way.
        """
        if self._read is None:
            return None
        if not is_whole(request, self._names):
            return None if binary else self._one_row(self._read, request)
        (tensor,) = request.inputs
        shape, kind = tensor.shape, TYPES.get(tensor.datatype)
        if kind is None or len(shape) != 2 or shape[1] != self._width:
            return None
        size = tensor.parameters.get("binary_data_size")
        is_json = size is None
        fits = not binary if is_json else type(size) is int and size == len(binary)
        if not (fits and 1 <= shape[0] <= self._most_rows):
            return None
        rows = self._row if shape[0] == 1 else np.empty(shape)
        beyond = self._read(*kind, is_json, tensor.data if is_json else binary, rows)
        return None if beyond is None else (rows, beyond)

    def _one_row(self, read: Read, request: Request) -> tuple[Floats, bytes] | None:
        values = self._inputs.joined(request)
        beyond = None if values is None else read("f", 8, True, values, self._row)
        return None if beyond is None else (self._row, beyond)


def proved(read: Read | None, manifest: Manifest) -> Read | None:
    """Return the function if it gives the bits of RowRules on made rows, otherwise None."""
    if read is None:
        return None
    rows = made(manifest.features)
    got = np.empty_like(rows)
    if read("f", 8, False, rows, got) is not None and got.tobytes() == (
        RowRules(manifest).apply(rows.copy()).tobytes()
    ):
        return read
    log.warning("%s: tensors are read the long way: in C the rows differ", manifest.name)
    return None


def made(features: Sequence[Feature]) -> Floats:
    """Return rows [N, F] of values that the features may have."""
    pools = [pool(each) for each in features]
    longest = max(map(len, pools))
    return np.array([np.resize(each, longest) for each in pools]).T.copy()


def pool(feature: Feature) -> list[float]:
    """Return values that a feature may have."""
    values = feature.codes[:MOST_VALUES] if isinstance(feature, Category) else ODD
    missing = [NAN] if feature.missing.allowed else []
    return [each for each in [*values, *missing] if each == each or missing]
