"""A Parquet file with the records of one segment, model, version and day."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .batch import PARTITION, ROWS, SCHEMA
from .record import DamagedLogError

SUFFIX = ".parquet"
RECORDS = "records"  # in the footer's key-value metadata: the footer itself has no checksum
READ_BYTES = 1 << 16
"""Columns are read in such pieces: Arrow's read-ahead would hold the whole file in memory."""
NULL = "__HIVE_DEFAULT_PARTITION__"  # what Hive, Spark, DuckDB and Arrow read as null
# Needed besides the folder names: readers that guess types turn version 1.10 into 1.1.
NAMED = pa.field("model_version", pa.string())
STORED = pa.schema([NAMED, *(field for field in SCHEMA if field.name not in PARTITION)])

LATER = ("reasons", "reasons_version", "contributions")
"""Columns that Parquet files written before 0.2.0 do not have."""


class Part:
    """One file `model=M/version=V/day=D/<segment's stem>.parquet`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stem = path.stem
        self.day = _value(path.parents[0].name)
        self.version = _value(path.parents[1].name)
        self.model = _value(path.parents[2].name)

    def size(self) -> int:
        """Return the file's size in bytes."""
        return self.path.stat().st_size

    def rows(self) -> int:
        """Return the number of records, from the footer. Raises DamagedLogError."""
        return int(self.open().metadata.num_rows)

    def open(self) -> pq.ParquetFile:
        """Open the file; page checksums are verified when it is read. Raises DamagedLogError."""
        try:
            return pq.ParquetFile(
                self.path, pre_buffer=False, buffer_size=READ_BYTES, page_checksum_verification=True
            )
        except (pa.ArrowException, OSError) as error:
            raise DamagedLogError(f"{self.path}: not a complete Parquet file: {error}") from error

    def batches(self, rows: int = ROWS) -> Iterator[pa.RecordBatch]:
        """Yield the records as batches of SCHEMA, in file order. Raises DamagedLogError."""
        count = 0
        with self.open() as file:
            wanted = (file.metadata.metadata or {}).get(RECORDS.encode(), b"").decode()
            try:
                for stored in file.iter_batches(rows):
                    count += stored.num_rows
                    yield self._whole(stored)
            except (pa.ArrowException, OSError, KeyError) as error:
                raise DamagedLogError(f"{self.path}: damaged: {error}") from error
        if wanted != str(count):
            raise DamagedLogError(f"{self.path}: damaged: wanted {wanted} records, got {count}")

    @staticmethod
    def stored(batch: pa.RecordBatch) -> pa.RecordBatch:
        """Convert a batch of SCHEMA to the columns stored in the file."""
        named = pc.binary_join_element_wise(batch["model"], batch["version"], "/")
        rest = [batch[name] for name in STORED.names[1:]]
        return pa.RecordBatch.from_arrays([named, *rest], schema=STORED)

    def _whole(self, stored: pa.RecordBatch) -> pa.RecordBatch:
        """Add the columns whose values are in the folder names."""
        columns = {name: stored[name] for name in STORED.names[1:] if name not in LATER}
        for name in LATER:
            absent = pa.nulls(len(stored), SCHEMA.field(name).type)
            columns[name] = stored[name] if name in stored.schema.names else absent
        for name, value in (("model", self.model), ("version", self.version)):
            columns[name] = pa.array([value] * stored.num_rows, pa.string())
        return pa.RecordBatch.from_arrays([columns[n] for n in SCHEMA.names], schema=SCHEMA)


def folder_of(model: str | None, version: str | None, day: str) -> Path:
    """Return the folder of a partition, relative to the Parquet root."""
    values = {"model": model, "version": version, "day": day}
    return Path(
        *(f"{key}={NULL if v is None else quote(v, safe=' ')}" for key, v in values.items())
    )


def _value(folder: str) -> str | None:
    """Return the value of `key=value`; None for Hive's null. Raises DamagedLogError."""
    _, found, value = folder.partition("=")
    if not found:
        raise DamagedLogError(f"{folder}: not a partition folder: wanted key=value")
    return None if value == NULL else unquote(value)
