"""export: write the log as one Parquet or CSV file.

  python -m monitoring log export /var/log/credit --to csv --out scores.csv
  python -m monitoring log export /var/log/credit --to parquet --out scores.parquet \\
      --features models/credit-express/1

DuckDB turns the Parquet file into any other format (docs/log.md).

With --features only that model version's records are exported, with one more column per feature:
what the model saw, categories by name, missing values as null.
In CSV, a text that a spreadsheet would run as a formula gets an apostrophe in front. To restore
texts, remove one apostrophe from every text that begins with one. Parquet holds texts unchanged.
"""

import argparse
import base64
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ..bundle.manifest import Feature, read_manifest
from ..errors import MonitoringError
from ..wording import numbered
from . import options
from .batch import SCHEMA, rows_matrix
from .once import Once
from .progress import counted
from .sources import batches
from .spreadsheet import FORMULA, NUMBER, guarded

CSV, PARQUET = "csv", "parquet"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log export`."""
    options.folders(parser)
    options.window(parser)
    parser.add_argument("--to", choices=(CSV, PARQUET), required=True)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE",
        help="file to write; it must not exist",
    )  # fmt: skip
    parser.add_argument(
        "--features",
        type=Path,
        metavar="BUNDLE",
        help="add a column for each feature of this bundle",
    )


def run(args: argparse.Namespace) -> int:
    """Write the file under a temporary name, then rename it. Raises MonitoringError."""
    if args.out.exists():
        raise MonitoringError(f"{args.out}: already exists")
    once = Once()
    log = counted(batches(args.folders, options.window_of(args), once), "export")
    schema, columns = with_features(log, args.features) if args.features else (SCHEMA, log)
    temporary = args.out.with_name(f".{args.out.name}.tmp")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL, 0o600))
    count = write(temporary, args.to, schema, columns)
    temporary.rename(args.out)
    print(f"{args.out}: {numbered(count, 'record')}")
    once.tell()
    return 0


def with_features(
    log: Iterable[pa.RecordBatch], bundle: Path
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema with one column per feature, and the records of that model version."""
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
    """Return the feature's name, with a prefix if the log already has such a column."""
    return f"feature_{feature.name}" if feature.name in SCHEMA.names else feature.name


def values(feature: Feature, column: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    """Return one feature for people to read: categories by name, missing as null."""
    if not feature.categories:
        return pa.array(column, from_pandas=True)
    names = dict(zip(feature.codes, feature.categories, strict=True))
    known = [names.get(code) for code in column.tolist()]
    return pa.array(
        [None if name is None else _name(feature, name) for name in known], _type(feature)
    )


def write(path: Path, to: str, schema: pa.Schema, log: Iterable[pa.RecordBatch]) -> int:
    """Write Parquet (zstd) or CSV, where lists are JSON, rows base64, and formulas are disarmed."""
    count, plain = 0, to == PARQUET
    held = schema if plain else flat_schema(schema)
    with (
        pq.ParquetWriter(path, held, compression="zstd") if plain
        else pyarrow.csv.CSVWriter(path, held)
    ) as writer:  # fmt: skip
        for batch in log:
            arrays = batch.columns if plain else flat(batch)
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=held))
            count += batch.num_rows
    return count


def flat_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns of a CSV file."""
    types = [pa.string() if _nested(f) else f.type for f in schema]
    return pa.schema(list(zip(map(guarded, schema.names), types, strict=True)))


def flat(batch: pa.RecordBatch) -> list[pa.Array]:
    """Return columns as a CSV file holds them."""
    return [
        _inert(pa.array([_as_text(value) for value in column.to_pylist()], pa.string()))
        if _nested(f) else _inert(column)
        for f, column in zip(batch.schema, batch.columns, strict=True)
    ]  # fmt: skip


def _type(feature: Feature) -> pa.DataType:
    texts = any(isinstance(c, str) for c in feature.categories)
    return pa.string() if texts else pa.float64()


def _name(feature: Feature, category: str | float) -> str | float:
    return str(category) if _type(feature) == pa.string() else float(category)


def _nested(field: pa.Field) -> bool:
    return bool(pa.types.is_list(field.type) or pa.types.is_binary(field.type))


def _inert(column: pa.Array) -> pa.Array:
    """Return a column with all its texts `guarded`."""
    if not pa.types.is_string(column.type):
        return column
    runs = pc.match_substring_regex(column, FORMULA)
    runs = pc.and_not(runs, pc.match_substring_regex(column, NUMBER))
    return pc.if_else(runs, pc.binary_join_element_wise("'", column, ""), column)


def _as_text(value: bytes | list[Any] | None) -> str | None:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if value is None else json.dumps(value)
