"""Write a scored table: CSV with the standard library, Parquet with pyarrow if installed."""

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .spreadsheet import guarded
from .table_file import TableError

Row = list[Any]


def write(file: Path, header: list[str], lines: Iterable[Row]) -> None:
    """Write all rows or nothing, under a temporary name first; raises TableError."""
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
    """Write a CSV file row by row, with formulas disarmed."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(inert(header))
        writer.writerows(map(inert, lines))


def inert(row: Row) -> Row:
    """Return a row with formulas disarmed."""
    return [guarded(cell) if isinstance(cell, str) else cell for cell in row]


def write_parquet(file: Path, header: list[str], lines: Iterable[Row]) -> None:
    """Write a Parquet file; column types are inferred from the values."""
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
