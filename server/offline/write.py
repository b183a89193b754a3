"""Write record batches to a Parquet, Arrow or CSV file: all of them, or nothing."""

import csv
import gzip
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from .spreadsheet import guarded
from .table_file import ARROW, CSV, PARQUET, TableError, has_suffix

ROW_GROUP = 1 << 16
WAITING = 4
"""Batches: as many as are scored while a row group is written."""
Write = Callable[[pa.RecordBatch], None]


@contextmanager
def writing(
    file: Path, schema: pa.Schema, shortened: Sequence[str] | None = None
) -> Iterator[Write]:
    """Open `file` for batches of this schema; it appears once the block has ended without an error.

    In Parquet, only the columns named in `shortened` get a dictionary of their values, or all. The
    file's folder is made where there is none. Raises TableError for a name with another suffix, and
    for what the disk or the format refuses.
    """
    # In containers that share a folder, all processes may have the same id.
    beside = file.with_name(f".{file.name.partition('.')[0]}-{uuid4().hex}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with way_of(file, shortened)(beside, schema) as write:
            yield write
        beside.replace(file)
    except OSError as error:
        raise TableError(f"{file}: {error.strerror or error}") from error
    except pa.ArrowException as error:
        said = str(error).partition("\n")[0]
        raise TableError(f"{file}: this format cannot hold the table: {said}") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def way_of(file: Path, shortened: Sequence[str] | None) -> Callable[[Path, pa.Schema], Any]:
    """Return what writes a file of this name; raises TableError."""
    if has_suffix(file, PARQUET):
        return partial(parquet, shortened=shortened)
    if has_suffix(file, ARROW):
        return arrow
    if has_suffix(file, CSV):
        return zipped if file.name.lower().endswith(".gz") else plain
    raise TableError(f"{file}: wanted a .parquet, .arrow, .csv or .csv.gz file")


@contextmanager
def parquet(file: Path, schema: pa.Schema, shortened: Sequence[str] | None) -> Iterator[Write]:
    """Write Parquet, in row groups of ROW_GROUP rows or a little more."""
    waiting: list[pa.RecordBatch] = []
    schema = pa.schema(map(without_views, schema), metadata=schema.metadata)
    use_dictionary = True if shortened is None else list(shortened)
    with pq.ParquetWriter(file, schema, use_dictionary=use_dictionary) as out:

        def flush() -> None:
            out.write_table(pa.Table.from_batches(waiting, schema))
            waiting.clear()

        def write(batch: pa.RecordBatch) -> None:
            pairs = zip(batch.columns, schema.types, strict=True)
            columns = [column if column.type == t else column.cast(t) for column, t in pairs]
            waiting.append(pa.RecordBatch.from_arrays(columns, schema=schema))
            if sum(each.num_rows for each in waiting) >= ROW_GROUP:
                flush()

        yield write
        flush()


def without_views(field: pa.Field) -> pa.Field:
    """Return a field that Arrow can write to Parquet: polars' dictionaries are of string views."""
    kind = field.type
    if not (pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type)):
        return field
    return field.with_type(pa.dictionary(kind.index_type, pa.string(), kind.ordered))


@contextmanager
def behind(write: Write) -> Iterator[Write]:
    """Write on a thread of its own, up to WAITING batches behind; raises what `write` raises."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[None]] = deque()

        def put(batch: pa.RecordBatch) -> None:
            waiting.append(thread.submit(write, batch))
            if len(waiting) > WAITING:
                waiting.popleft().result()

        try:
            yield put
            while waiting:
                waiting.popleft().result()
        finally:
            thread.shutdown(cancel_futures=True)


@contextmanager
def arrow(file: Path, schema: pa.Schema) -> Iterator[Write]:
    """Write an Arrow file."""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as out:
        yield out.write


@contextmanager
def plain(file: Path, schema: pa.Schema) -> Iterator[Write]:
    """Write CSV."""
    with file.open("w", newline="", encoding="utf-8") as out:
        yield to_csv(out, schema)


@contextmanager
def zipped(file: Path, schema: pa.Schema) -> Iterator[Write]:
    """Write CSV through gzip."""
    with gzip.open(file, "wt", newline="", encoding="utf-8") as out:
        yield to_csv(out, schema)


def to_csv(out: Any, schema: pa.Schema) -> Write:
    """Write the header, and return what writes rows; no text in it runs in a spreadsheet."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(inert, schema.names))

    def write(batch: pa.RecordBatch) -> None:
        columns = [map(inert, column.to_pylist()) for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))

    return write


def inert(cell: Any) -> Any:
    """Return a cell without a text that a spreadsheet would run."""
    return guarded(cell) if isinstance(cell, str) else cell
