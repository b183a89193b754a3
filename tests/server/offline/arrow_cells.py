"""Cells of every Arrow type for features of the small model, and each row as a request is read."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from server.offline.columns import FeatureColumns
from server.offline.reading import UnfitCellError, reader
from server.scoring.model import Model

NUMBERS = [
    0.0, -0.0, 1.0, -7.5, 1e-36, 5e-324, 1e300, 2.0**53, 2.0**60, float("nan"), float("inf"), None,
]  # fmt: skip
INTEGERS = [0, 1, -3, 127, None]
UNSIGNED = [0, 1, 200, None]
WIDE = [*INTEGERS, 2**53, 2**53 + 1, -(2**53) - 1, 2**62]
TEXTS = ["", "1", " 2 ", "1e5", "nan", "NA", "true", "x", "1_0", "9007199254740993", None]
SOME_BYTES = [each and each.encode() for each in TEXTS]
DECIMALS = [Decimal("1.5"), Decimal("-7.125"), None]
Cells = dict[str, tuple[pa.DataType, list[Any]]]
CELLS: Cells = {
    "double": (pa.float64(), NUMBERS),
    "float": (pa.float32(), [0.1, 1e30, float("nan"), float("-inf"), None]),
    "half float": (pa.float16(), [np.float16(0.5), np.float16(-2.0), None]),
    "int64": (pa.int64(), WIDE),
    "uint64": (pa.uint64(), [0, 5, 2**53 + 1, 2**64 - 1, None]),
    "int8": (pa.int8(), INTEGERS),
    "int16": (pa.int16(), INTEGERS),
    "int32": (pa.int32(), INTEGERS),
    "uint8": (pa.uint8(), UNSIGNED),
    "uint16": (pa.uint16(), UNSIGNED),
    "uint32": (pa.uint32(), UNSIGNED),
    "bool": (pa.bool_(), [True, False, None]),
    "decimal": (pa.decimal128(30, 3), DECIMALS),
    "decimal of 38 digits": (pa.decimal128(38, 10), [*DECIMALS, Decimal("0.1234567890")]),
    "decimal of 256 bits": (pa.decimal256(60, 10), [*DECIMALS, Decimal("0.1234567890")]),
    "null": (pa.null(), [None]),
    "text": (pa.string(), TEXTS),
    "large text": (pa.large_string(), TEXTS),
    "text view": (pa.string_view(), TEXTS),
    "bytes": (pa.binary(), SOME_BYTES),
    "large bytes": (pa.large_binary(), SOME_BYTES),
    "bytes of one width": (pa.binary(1), [b"1", b"x", None]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), TEXTS),
    "dictionary of numbers": (pa.dictionary(pa.int8(), pa.int64()), INTEGERS),
    "encoded runs": (pa.run_end_encoded(pa.int32(), pa.string()), TEXTS),
    "timestamp": (pa.timestamp("ns"), [0, 10**18, None]),
    "timestamp in a zone": (pa.timestamp("us", "UTC"), [0, 10**15, None]),
    "date": (pa.date32(), [date(2026, 1, 1), None]),
    "time": (pa.time64("us"), [time(12), None]),
    "duration": (pa.duration("s"), [timedelta(seconds=1), None]),
    "list": (pa.list_(pa.int64()), [[1], [], None]),
    "struct": (pa.struct([("a", pa.int64())]), [{"a": 1}, None]),
    "map": (pa.map_(pa.string(), pa.int64()), [[("a", 1)], None]),
}
KINDS = ["car", "home, shared", "vacation", None, "", "nope"]


def usual(rows: int, draw: np.random.Generator) -> dict[str, pa.Array]:
    """Return the columns of rows that score."""
    return {
        "AGE": pa.array(draw.normal(40, 9, rows)), "INCOME": pa.array(draw.normal(900, 99, rows)),
        "DEBT-RATIO": pa.array(draw.random(rows)), "REGION": pa.array(draw.integers(1, 4, rows)),
        "KIND": pa.array([KINDS[i] for i in draw.integers(0, 3, rows)]),
    }  # fmt: skip


def drawn(kind: str, rows: int, draw: np.random.Generator) -> pa.Array:
    """Return a column of a type."""
    arrow_type, cells = CELLS[kind]
    return pa.array([cells[i] for i in draw.integers(0, len(cells), rows)], arrow_type)


def by_column(model: Model, batch: pa.RecordBatch) -> list[bytes | str]:
    """Return each row as the model sees it, or its first fault, column by column."""
    columns = FeatureColumns(model.manifest.features)
    rows, faults = columns.sent(batch)
    columns.fill(rows)
    return [faults.get(i, row.tobytes()) for i, row in enumerate(rows)]


def one_by_one(model: Model, batch: pa.RecordBatch) -> Iterator[bytes | str]:
    """Yield each row as the model sees it, or its first fault, the way a request is read."""
    features = model.manifest.features
    readers = [reader(feature) for feature in features]
    columns = [plain_cells(batch.column(feature.name)) for feature in features]
    for cells in zip(*columns, strict=True):
        try:
            values = [read(cell) for read, cell in zip(readers, cells, strict=True)]
        except UnfitCellError as error:
            yield str(error)
        else:
            yield model.score_values(values).row


def plain_cells(column: pa.Array) -> list[Any]:
    """Return cells as Python has them: bytes as the texts that they are."""
    if column.type == pa.float16():
        column = column.cast(pa.float32())
    return [each.decode() if isinstance(each, bytes) else each for each in column.to_pylist()]
