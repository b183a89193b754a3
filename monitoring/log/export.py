"""export: write the log as one Parquet, CSV, SQLite or DuckDB file, table `score`.

  python -m monitoring log export /var/log/credit --to csv --out scores.csv
  python -m monitoring log export /var/log/credit --to duckdb --out scores.duckdb \\
      --features models/credit-express/1

With --features, only that model version's records, and one more column per feature: what the
model saw, categories as their names, missing as null.
A text of a CSV file that a spreadsheet would run as a formula begins with an apostrophe: take one
off each text that begins with one and you have it as it was. The other forms hold it as it was.
"""

import argparse
import base64
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ..bundle.manifest import Feature, read_manifest
from ..errors import MonitoringError
from . import options
from .batch import SCHEMA, rows_matrix
from .once import Once
from .progress import counted
from .sources import batches
from .spreadsheet import FORMULA, NUMBER, guarded

TABLE = "score"
DUCKDB = {"memory_limit": "400MB", "threads": "1", "preserve_insertion_order": "false"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log export`."""
    options.folders(parser)
    options.window(parser)
    parser.add_argument("--to", choices=sorted(WRITERS), required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="must not exist")
    parser.add_argument("--features", type=Path, metavar="BUNDLE", help="a column per feature")


def run(args: argparse.Namespace) -> int:
    """Write the file under a temporary name, then give it its own. Raises MonitoringError."""
    if args.out.exists():
        raise MonitoringError(f"{args.out}: exists already")
    once = Once()
    log = counted(batches(args.folders, options.window_of(args), once), "export")
    schema, columns = with_features(log, args.features) if args.features else (SCHEMA, log)
    temporary = args.out.with_name(f".{args.out.name}.tmp")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL, 0o600))
    count = WRITERS[args.to](temporary, schema, columns)
    temporary.rename(args.out)
    print(f"{args.out}: {count:,} records")
    once.tell()
    return 0


def with_features(
    log: Iterable[pa.RecordBatch], bundle: Path
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema with a column per feature, and the records of that model version."""
    model = read_manifest(bundle)
    fields = [pa.field(column_name(f), _type(f)) for f in model.features]
    schema = pa.schema([*SCHEMA, *fields])

    def widened() -> Iterator[pa.RecordBatch]:
        for batch in log:
            of_model = pc.and_(
                pc.equal(batch["sha256"], model.files["model.onnx"]), pc.is_valid(batch["row"])
            )
            chosen = batch.filter(of_model)
            if chosen.num_rows:
                matrix = rows_matrix(chosen)
                features = [values(f, matrix[:, i]) for i, f in enumerate(model.features)]
                yield pa.RecordBatch.from_arrays([*chosen.columns, *features], schema=schema)

    return schema, widened()


def column_name(feature: Feature) -> str:
    """Return the feature's own name, set apart where a column of the log has it."""
    return f"feature_{feature.name}" if feature.name in SCHEMA.names else feature.name


def values(feature: Feature, column: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    """Return one feature as people know it: a category by its name, missing as null."""
    if not feature.categories:
        return pa.array(column, from_pandas=True)
    names = dict(zip(feature.codes, feature.categories, strict=True))
    known = [names.get(code) for code in column.tolist()]
    return pa.array(
        [None if name is None else _name(feature, name) for name in known], _type(feature)
    )


def to_parquet(path: Path, schema: pa.Schema, log: Iterable[pa.RecordBatch]) -> int:
    """Write Parquet, zstd."""
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in log:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def to_csv(path: Path, schema: pa.Schema, log: Iterable[pa.RecordBatch]) -> int:
    """Write CSV: lists as JSON, the row as base64, no text that a spreadsheet would run."""
    count = 0
    types = [pa.string() if _nested(f) else f.type for f in schema]
    flat = pa.schema(list(zip(map(guarded, schema.names), types, strict=True)))
    with pyarrow.csv.CSVWriter(path, flat) as writer:
        for batch in log:
            writer.write_batch(pa.RecordBatch.from_arrays(_flat(batch), schema=flat))
            count += batch.num_rows
    return count


def to_sqlite(path: Path, schema: pa.Schema, log: Iterable[pa.RecordBatch]) -> int:
    """Write SQLite: lists as JSON, the row as a blob, times as text."""
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in schema.names)
    marks = ", ".join("?" * len(schema))
    count = 0
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = off")
    connection.execute("pragma synchronous = off")  # a file that is not finished has no name yet
    connection.execute(f"create table {TABLE} ({names})")
    connection.execute("begin")
    for batch in log:
        rows = zip(*(_for_sqlite(batch[name]) for name in schema.names), strict=True)
        connection.executemany(f"insert into {TABLE} values ({marks})", rows)  # noqa: S608 - "?" only
        count += batch.num_rows
    connection.execute(f"create index request on {TABLE} (request_id)")
    connection.execute("commit")
    connection.close()
    return count


def to_duckdb(path: Path, schema: pa.Schema, log: Iterable[pa.RecordBatch]) -> int:
    """Write a DuckDB database, every column in its own type."""
    path.unlink()  # DuckDB creates the file itself
    with duckdb.connect(str(path)) as connection:
        for name, value in DUCKDB.items():
            connection.execute(f"set {name} = '{value}'")
        connection.register("batch", schema.empty_table())
        connection.execute(f"create table {TABLE} as select * from batch")  # noqa: S608
        count = 0
        for batch in log:  # not as one stream: DuckDB would hide what a damaged file says of itself
            connection.register("batch", pa.Table.from_batches([batch]))
            connection.execute(f"insert into {TABLE} select * from batch")  # noqa: S608
            count += batch.num_rows
    path.chmod(0o600)
    return count


WRITERS: dict[str, Callable[[Path, pa.Schema, Iterable[pa.RecordBatch]], int]] = {
    "csv": to_csv,
    "duckdb": to_duckdb,
    "parquet": to_parquet,
    "sqlite": to_sqlite,
}


def _type(feature: Feature) -> pa.DataType:
    texts = any(isinstance(c, str) for c in feature.categories)
    return pa.string() if texts else pa.float64()


def _name(feature: Feature, category: str | float) -> str | float:
    return str(category) if _type(feature) == pa.string() else float(category)


def _nested(field: pa.Field) -> bool:
    return bool(pa.types.is_list(field.type) or pa.types.is_binary(field.type))


def _flat(batch: pa.RecordBatch) -> list[pa.Array]:
    return [
        _inert(pa.array([_as_text(value) for value in column.to_pylist()], pa.string()))
        if _nested(f) else _inert(column)
        for f, column in zip(batch.schema, batch.columns, strict=True)
    ]  # fmt: skip


def _inert(column: pa.Array) -> pa.Array:
    """Return a column whose texts are `guarded`, all at once."""
    if not pa.types.is_string(column.type):
        return column
    runs = pc.match_substring_regex(column, FORMULA)
    runs = pc.and_not(runs, pc.match_substring_regex(column, NUMBER))
    return pc.if_else(runs, pc.binary_join_element_wise("'", column, ""), column)


def _as_text(value: bytes | list[Any] | None) -> str | None:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if value is None else json.dumps(value)


def _for_sqlite(column: pa.Array) -> list[Any]:
    if pa.types.is_list(column.type):
        return [_as_text(value) for value in column.to_pylist()]
    if pa.types.is_timestamp(column.type):
        stamps = column.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
        return [f"{stamp}Z" for stamp in np.datetime_as_string(stamps, unit="us")]
    return list(column.to_pylist())
