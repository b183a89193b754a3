"""Column by column or row by row: the same numbers and the same faults, of every Arrow type."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from server.offline.columns import FeatureColumns
from server.offline.reading import UnfitCellError, reader
from server.scoring import model as models
from server.scoring.model import Model

ROWS = 4000
NUMBERS = [
    0.0, -0.0, 1.0, -7.5, 1e-36, 5e-324, 1e300, 2.0**53, 2.0**60, float("nan"), float("inf"), None,
]  # fmt: skip
INTEGERS = [0, 1, -3, 127, None]
WIDE = [*INTEGERS, 2**53, 2**53 + 1, -(2**53) - 1, 2**62]
TEXTS = ["", "1", " 2 ", "1e5", "nan", "NA", "true", "x", "1_0", "9007199254740993", None]
CELLS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "double": (pa.float64(), NUMBERS),
    "float": (pa.float32(), [0.1, 1e30, float("nan"), float("-inf"), None]),
    "half float": (pa.float16(), [np.float16(0.5), np.float16(-2.0), None]),
    "int64": (pa.int64(), WIDE),
    "uint64": (pa.uint64(), [0, 5, 2**53 + 1, 2**64 - 1, None]),
    "int8": (pa.int8(), INTEGERS),
    "bool": (pa.bool_(), [True, False, None]),
    "decimal": (pa.decimal128(30, 3), [Decimal("1.5"), Decimal("-7.125"), None]),
    "null": (pa.null(), [None]),
    "text": (pa.string(), TEXTS),
    "large text": (pa.large_string(), TEXTS),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), TEXTS),
    "dictionary of numbers": (pa.dictionary(pa.int8(), pa.int64()), INTEGERS),
    "encoded runs": (pa.run_end_encoded(pa.int32(), pa.string()), TEXTS),
    "timestamp": (pa.timestamp("ns"), [0, 10**18, None]),
    "list": (pa.list_(pa.int64()), [[1], [], None]),
}
KINDS = ["car", "home, shared", "vacation", None, "", "nope"]


@pytest.fixture(scope="module")
def model(bundle: Path) -> Model:
    return models.load(bundle)


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
    halves = column.type == pa.float16()
    cells: list[Any] = (column.cast(pa.float32()) if halves else column).to_pylist()
    return cells


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("name", ["AGE", "INCOME", "KIND", "REGION"])
def test_a_column_of_any_type_is_read_as_its_cells_are(model: Model, kind: str, name: str) -> None:
    draw = np.random.default_rng(len(kind))
    arrow_type, cells = CELLS[kind]
    columns: dict[str, pa.Array] = {
        "AGE": pa.array(draw.normal(40, 9, ROWS)), "INCOME": pa.array(draw.normal(900, 99, ROWS)),
        "DEBT-RATIO": pa.array(draw.random(ROWS)), "REGION": pa.array(draw.integers(1, 4, ROWS)),
        "KIND": pa.array([KINDS[i] for i in draw.integers(0, 3, ROWS)]),
    }  # fmt: skip
    columns[name] = pa.array([cells[i] for i in draw.integers(0, len(cells), ROWS)], arrow_type)
    batch = pa.record_batch(columns)
    columns_of = FeatureColumns(model.manifest.features)
    rows, faults = columns_of.sent(batch)
    columns_of.fill(rows)
    found = [faults.get(i, row.tobytes()) for i, row in enumerate(rows)]
    assert found == list(one_by_one(model, batch))


def test_the_first_fault_of_a_row_is_that_of_the_first_feature(model: Model) -> None:
    batch = pa.record_batch(
        {"KIND": ["nope", "car"], "REGION": [1, 1], "DEBT-RATIO": [0.5, 0.5],
         "INCOME": [1.0, 1.0], "AGE": ["x", "7"]}
    )  # fmt: skip
    _, faults = FeatureColumns(model.manifest.features).sent(batch)
    assert list(faults) == [0]
    assert faults[0].startswith("AGE: wanted a finite number")
