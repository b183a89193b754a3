"""Read files of rows: CSV with the standard library, Parquet and Arrow with pyarrow if installed.

convert/ and monitoring/ read it through a link: folders share files and no imports.
"""

import csv
import gzip
import urllib.parse
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

BLOCK_ROWS = 1 << 16
READ_BYTES = 1 << 16
"""Columns are read in such pieces: Arrow's read-ahead would hold the whole file in memory."""
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
CSV, PARQUET, ARROW = (".csv", ".csv.gz"), (".parquet", ".pq"), (".arrow", ".feather", ".ipc")
WANTED = "a .csv, .csv.gz, .parquet or .arrow file, or a folder of them"

Column = Any  # a tuple of texts (CSV), or a pyarrow.Array
Block = list[Column]


class TableError(Exception):
    """A table that cannot be read or written. The message is one line and names the file."""


def column_names(path: Path, separator: str = ",") -> list[str]:
    """Return the column names of a file, or of a folder's first file; raises TableError."""
    part = parts(path)[0]
    names = _names(part, separator)
    return [*names, *(name for name in partition(path, part) if name not in names)]


def dictionary_names(path: Path) -> list[str]:
    """Return the names of the columns with a dictionary (category) type; raises TableError."""
    part = parts(path)[0]
    if has_suffix(part, CSV):
        return []
    with told(part):
        return [each.name for each in opened(part)[0] if "dictionary" in str(each.type)[:10]]


def blocks(path: Path, wanted: Sequence[str]) -> Iterator[Block]:
    """Yield the wanted columns, in that order, up to BLOCK_ROWS rows at a time.

    Every name must be a column of the file. Raises TableError.
    """
    for part in parts(path):
        names, said = _names(part), partition(path, part)
        if absent := [name for name in wanted if name not in (*names, *said)]:
            hint = separator_hint(names)
            raise TableError(f"{part}: no column {', '.join(absent[:10])}{hint}")
        held = [name for name in wanted if name in names]
        for block in _blocks(part, held or names[:1]):
            found = dict(zip(held, block, strict=False))
            yield [found[n] if n in found else (said[n],) * len(block[0]) for n in wanted]


def _blocks(part: Path, wanted: Sequence[str]) -> Iterator[Block]:
    with told(part):
        if has_suffix(part, CSV):
            yield from _csv_blocks(part, wanted)
        else:
            yield from (_columns(batch, wanted) for batch in batches(part, wanted))


def separator_hint(names: Sequence[str]) -> str:
    """Return a remark if a file's only column looks like several with another separator."""
    marks = {";": "semicolons", "\t": "tabs", "|": "bars"}
    found = other_separator(names)
    return f"; its columns are separated by {marks[found]}: wanted commas" if found in marks else ""


def other_separator(names: Sequence[str]) -> str | None:
    """Return what looks like the separator of a file that was read as one column."""
    return next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), None)


def has_suffix(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a file's name ends so, in any case."""
    return path.name.lower().endswith(suffixes)


def parts(path: Path) -> list[Path]:
    """Return the file, or all tables of a folder and of its partitions (folders COLUMN=VALUE).

    Names that begin with _ or . are skipped.
    """
    known = CSV + PARQUET + ARROW
    if not path.is_dir():
        if not has_suffix(path, known):
            raise TableError(f"{path}: wanted {WANTED}")
        return [path]
    found = sorted(_tables(path, known))
    if not found:
        raise TableError(f"{path}: wanted {WANTED}, got a folder without one")
    return found


def _tables(folder: Path, known: tuple[str, ...]) -> Iterator[Path]:
    for each in folder.iterdir():
        if each.name[0] in "._":
            continue
        if each.is_dir() and "=" in each.name:
            yield from _tables(each, known)
        elif has_suffix(each, known):
            yield each


def partition(folder: Path, part: Path) -> dict[str, str | None]:
    """Return the columns, all of texts, that the folders between the two stand for."""
    found: dict[str, str | None] = {}
    for name in part.relative_to(folder).parts[:-1]:
        column, _, value = map(urllib.parse.unquote, name.partition("="))
        found[column] = None if value == NULL_PARTITION else value
    return found


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn a library's error into a one-line TableError."""
    try:
        yield
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#04x}"
        raise TableError(f"{path}: wanted UTF-8, got {got}") from error
    except csv.Error as error:
        raise TableError(f"{path}: wanted CSV: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        said = getattr(error, "strerror", None) or error
        raise TableError(f"{path}: {said}") from error
    except ValueError as error:  # pyarrow.ArrowInvalid is one
        kind = "Parquet" if has_suffix(path, PARQUET) else "Arrow"
        raise TableError(f"{path}: wanted {kind}: {error}") from error


def _names(path: Path, separator: str = ",") -> list[str]:
    with told(path):
        names = next(csv_rows(path, separator)) if has_suffix(path, CSV) else opened(path)[0].names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TableError(f"{path}: more than one column {', '.join(twice[:10])}")
    return names


# ---- CSV: every cell is a text


def csv_rows(path: Path, separator: str = ",") -> Iterator[list[str]]:
    """Yield the header, then every row that is not empty, each as wide as the header."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        rows = filter(None, reader)
        header = next(rows, None)
        if header is None:
            raise TableError(f"{path}: wanted a header line, got an empty file")
        yield header
        for row in rows:
            if len(row) != len(header):
                got = f"wanted {len(header)} cells, got {len(row)}"
                raise TableError(f"{path}: line {reader.line_num}: {got}")
            yield row


def _csv_blocks(path: Path, wanted: Sequence[str]) -> Iterator[Block]:
    rows = csv_rows(path)
    header = next(rows)
    places = [header.index(name) for name in wanted]
    while block := list(islice(rows, BLOCK_ROWS)):
        columns = list(zip(*block, strict=True))
        yield [columns[place] for place in places]


# ---- Parquet and Arrow: cells have types


def opened(path: Path) -> tuple[Any, Any]:
    """Return the schema and the open file; raises TableError if pyarrow is not installed."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TableError(f"{path}: it needs pyarrow (pip install pyarrow)") from error
    if has_suffix(path, PARQUET):
        file = pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES)
        return file.schema_arrow, file
    source = pyarrow.memory_map(str(path))
    try:
        file = pyarrow.ipc.open_file(source)
    except pyarrow.ArrowInvalid:
        source.seek(0)
        file = pyarrow.ipc.open_stream(source)
    return file.schema, file


def batches(path: Path, wanted: Sequence[str] | None, rows: int = BLOCK_ROWS) -> Iterator[Any]:
    """Yield pyarrow.RecordBatches of a Parquet or Arrow file: the wanted columns, or all.

    Those of an Arrow file are as many rows as it holds them, and always whole.
    """
    file = opened(path)[1]
    if has_suffix(path, PARQUET):
        yield from file.iter_batches(rows, columns=wanted and list(wanted))
    elif hasattr(file, "num_record_batches"):
        yield from map(file.get_batch, range(file.num_record_batches))
    else:
        yield from file


def _columns(batch: Any, wanted: Sequence[str]) -> Block:
    return [plain(batch.column(name)) for name in wanted]


def plain(column: Any) -> Column:
    """Undo dictionaries (pandas and polars categories), and give all kinds of text one type."""
    from pyarrow import ArrowInvalid, DictionaryArray, array, float32, string, types

    kind = column.type
    if types.is_dictionary(kind):  # the texts first: Arrow decodes no dictionary of string views
        return DictionaryArray.from_arrays(
            column.indices, plain(column.dictionary)
        ).dictionary_decode()
    kinds = (
        types.is_large_string, types.is_string_view, types.is_binary, types.is_large_binary,
        types.is_binary_view, types.is_fixed_size_binary,
    )  # fmt: skip
    if any(is_text(kind) for is_text in kinds):
        try:
            return column.cast(string())
        except ArrowInvalid:  # bytes that are no UTF-8: \xff as four characters, which fit nothing
            cells = column.to_pylist()
            texts = [c if c is None else c.decode(errors="backslashreplace") for c in cells]
            return array(texts, string())
    return column.cast(float32()) if types.is_float16(kind) else column
