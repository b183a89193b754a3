"""Tables on disk: CSV by the standard library, Parquet by pyarrow where it is installed."""

import csv
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .spreadsheet import guarded

Row = list[Any]


class TableError(Exception):
    """A table that cannot be read or written: one line that names the file."""


def rows(file: Path) -> tuple[list[str], Iterator[Row]]:
    """Return the column names and an iterator of rows; raises TableError."""
    if file.suffix == ".parquet":
        return parquet_rows(file)
    if file.suffix != ".csv":
        raise TableError(f"{file}: wanted a .csv or .parquet file")
    return csv_rows(file)


def csv_rows(file: Path) -> tuple[list[str], Iterator[Row]]:
    """Read a CSV file with a header line."""
    lines = decoded(file, csv.reader(file.open(newline="", encoding="utf-8-sig")))
    header = next(lines, None)
    if header is None:
        raise TableError(f"{file}: wanted a header line, got an empty file")
    return header, checked(file, lines, len(header))


def decoded(file: Path, lines: Iterator[Row]) -> Iterator[Row]:
    """Yield rows; raises TableError where the file is not CSV in UTF-8."""
    try:
        yield from lines
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#04x}"
        raise TableError(f"{file}: wanted UTF-8, got {got}") from error
    except csv.Error as error:
        raise TableError(f"{file}: wanted CSV: {error}") from error


def checked(file: Path, lines: Iterator[Row], width: int) -> Iterator[Row]:
    """Yield rows as wide as the header; raises TableError."""
    for number, row in enumerate(lines, start=2):
        if len(row) != width:
            raise TableError(f"{file}: line {number}: wanted {width} cells, got {len(row)}")
        yield row


def parquet_rows(file: Path) -> tuple[list[str], Iterator[Row]]:
    """Read a Parquet file batch by batch."""
    parquet = import_parquet(file)
    import pyarrow

    try:
        source = parquet.ParquetFile(file)
    except pyarrow.ArrowInvalid as error:
        raise TableError(f"{file}: wanted Parquet: {error}") from error
    return source.schema_arrow.names, (
        list(row)
        for batch in source.iter_batches()
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    )


def write(file: Path, header: list[str], lines: Iterable[Row]) -> None:
    """Write all rows, or nothing: beside `file` first; raises TableError."""
    writers = {".parquet": write_parquet, ".csv": write_csv}
    if file.suffix not in writers:
        raise TableError(f"{file}: wanted a .csv or .parquet file")
    beside = file.with_name(f".{file.stem}-{os.getpid()}{file.suffix}")
    try:
        writers[file.suffix](beside, header, lines)
        beside.replace(file)
    except OSError as error:
        raise TableError(f"{file}: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def write_csv(file: Path, header: list[str], lines: Iterable[Row]) -> None:
    """Write a CSV file, row by row, no text in it that a spreadsheet would run."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(inert(header))
        writer.writerows(map(inert, lines))


def inert(row: Row) -> Row:
    """Return a row without a text that a spreadsheet would run."""
    return [guarded(cell) if isinstance(cell, str) else cell for cell in row]


def write_parquet(file: Path, header: list[str], lines: Iterable[Row]) -> None:
    """Write a Parquet file; column types are found from the values."""
    parquet = import_parquet(file)
    import pyarrow

    columns = list(zip(*lines, strict=True)) or [()] * len(header)
    arrays = [pyarrow.array(column) for column in columns]
    parquet.write_table(pyarrow.Table.from_arrays(arrays, names=header), file)


def import_parquet(file: Path) -> Any:
    """Return pyarrow.parquet; raises TableError that says what to install."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TableError(f"{file}: Parquet needs pyarrow (pip install pyarrow)") from error
    return pyarrow.parquet
