"""Read a file of rows as Arrow record batches, with every column just as the file holds it."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from . import table_file
from .table_file import CSV, PARQUET, has_suffix

Said = dict[str, str | None]
"""What the names of a file's folders say: see table_file.partition."""
BATCH_ROWS = 1 << 14
"""Sixteen thousand rows of 120 features are 16 MB of float64, in the cache of no core but small."""

WIDTHS = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}


def schema_of(path: Path, separator: str = ",") -> pa.Schema:
    """Return the columns of a file; those of a CSV are texts. Raises TableError."""
    names = table_file.column_names(path, separator)
    if has_suffix(path, CSV):
        return pa.schema([(name, pa.string()) for name in names])
    with table_file.told(path):
        schema: pa.Schema = table_file.opened(path)[0]
    return schema


def schema_with(path: Path, said: Said, separator: str) -> pa.Schema:
    """Return the columns of a file, and behind them those of its folders; raises TableError."""
    schema = schema_of(path, separator)
    added = [pa.field(name, pa.string()) for name in said if name not in schema.names]
    return pa.schema([*schema, *added], metadata=schema.metadata)


def batches_with(path: Path, said: Said, separator: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file with the columns of schema_with; raises TableError."""
    for batch in batches_of(path, separator):
        for name in (name for name in said if name not in batch.schema.names):
            batch = batch.append_column(
                name, pa.repeat(pa.scalar(said[name], pa.string()), len(batch))
            )
        yield batch


def batches_of(path: Path, separator: str = ",") -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file, up to BATCH_ROWS at a time; raises TableError."""
    with table_file.told(path):
        if has_suffix(path, CSV):
            yield from _csv_batches(path, separator)
        else:
            for batch in table_file.batches(path, None, BATCH_ROWS):
                for first in range(0, batch.num_rows, BATCH_ROWS):
                    yield batch.slice(first, BATCH_ROWS)


def shortened(path: Path) -> list[str] | None:
    """Return the columns of a Parquet file that a dictionary of values makes half as large or less.

    None for other files, which do not say.
    """
    if not has_suffix(path, PARQUET):
        return None
    with table_file.told(path):
        metadata = table_file.opened(path)[1].metadata
    chunks = [
        metadata.row_group(0).column(i)
        for i in range(metadata.num_columns if metadata.num_row_groups else 0)
    ]
    return [
        chunk.path_in_schema
        for chunk in chunks
        if 2 * chunk.total_uncompressed_size
        <= chunk.num_values * WIDTHS.get(chunk.physical_type, math.inf)
    ]


def rows_of(files: Sequence[Path]) -> int | None:
    """Return how many rows Parquet files have; None for other files, which do not say."""
    if not all(has_suffix(file, PARQUET) for file in files):
        return None
    total = 0
    for file in files:
        with table_file.told(file):
            total += table_file.opened(file)[1].metadata.num_rows
    return total


def _csv_batches(path: Path, separator: str) -> Iterator[pa.RecordBatch]:
    rows = table_file.csv_rows(path, separator)
    names: Sequence[str] = next(rows)
    while block := list(islice(rows, BATCH_ROWS)):
        columns = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, names=names)
