"""Columns that only pass through a file: the same type, bits, metadata and order."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Trained
from tests.server.command import run

ROWS = 1000
HALF = ROWS // 2
AMOUNT = Decimal("1234567890123456789012345678.0123456789")
PASSING = {
    "when": pa.array([1, None] * HALF, pa.timestamp("ns")),
    "where and when": pa.array([1, None] * HALF, pa.timestamp("us", "Europe/Berlin")),
    "day": pa.array([datetime.date(1970, 1, 2), None] * HALF),
    "amount": pa.array([AMOUNT, None] * HALF, pa.decimal128(38, 10)),
    "big": pa.array([2**64 - 1, 2**63 + 1] * HALF, pa.uint64()),
    "patchy": pa.array([None, float("nan"), -0.0, 5e-324] * (HALF // 2), pa.float64()),
    "map": pa.array([[("a", 1), ("b", None)], None] * HALF, pa.map_(pa.string(), pa.int32())),
    "list": pa.array([[1.5, None], []] * HALF, pa.list_(pa.float64())),
    "struct": pa.array([{"a": 1, "b": "x"}, None] * HALF),
    "nothing": pa.nulls(ROWS),
    "no text": pa.nulls(ROWS, pa.string()),
    "category": pa.array(["a", None] * HALF).dictionary_encode(),
    "ordered": pa.DictionaryArray.from_arrays(
        pa.array([1, 0] * HALF, pa.int8()), ["x", "y"], ordered=True
    ),
    "bytes": pa.array([b"\x00\xff", None] * HALF, pa.large_binary()),
}  # fmt: skip
Write = Callable[[pa.Table, Path], None]


def arrow(table: pa.Table, file: Path) -> None:
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)


def read_arrow(file: Path) -> pa.Table:
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_file(source).read_all()


@pytest.fixture(scope="module")
def table(trained: Trained) -> pa.Table:
    """Such columns between those of the model, with metadata of fields and of the table."""
    rows = pa.Table.from_pandas(trained.held_out, preserve_index=False)
    for place, (name, column) in enumerate(PASSING.items()):
        field = pa.field(name, column.type, metadata={"of": name, b"\xff": "bytes"})
        rows = rows.add_column(place % 7, field, column)
    required = pa.field("key", pa.int64(), nullable=False)
    return rows.append_column(required, pa.array(np.arange(ROWS))).replace_schema_metadata(
        {"written by": "a test", "empty": ""}
    )


def same(found: pa.Table, given: pa.Table) -> None:
    """Compare all columns of `given`, which stand first: fields, metadata, values bit for bit."""
    count = given.num_columns
    assert found.schema.metadata == given.schema.metadata
    for name, field, column in zip(given.column_names, given.schema, given.columns, strict=True):
        assert found.schema.field(name).equals(field, check_metadata=True), name
        assert bits(found[name]).equals(bits(column)), name
    assert found.column_names[:count] == given.column_names


def bits(column: pa.ChunkedArray) -> pa.Array:
    """Return a column whose NaN and zeros compare by their bits."""
    whole = column.combine_chunks()
    return whole.view(pa.int64()) if whole.type == pa.float64() else whole


@pytest.mark.parametrize(
    ("suffix", "write", "read"),
    [("parquet", pq.write_table, pq.read_table), ("arrow", arrow, read_arrow)],
)
def test_a_column_that_only_passes_through_is_unchanged(
    bundle: Path, table: pa.Table, tmp_path: Path, suffix: str, write: Write,
    read: "Callable[[Path], pa.Table]",
) -> None:  # fmt: skip
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    write(table, source)
    command = ("score", "--model", str(bundle), str(source), "-o", str(out), "--on-error", "column")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    same(read(out), read(source))
    if suffix == "arrow":
        same(read(out), table)
