"""Rows of files, in blocks: for drift without our log."""

import glob
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log.window import EVER, Window
from . import table_file
from .arrays import array_of, numbers
from .block import Block
from .cells import CellError
from .columns import Column, Floats
from .encode import encode
from .errors import BadCurrentError
from .labels import REQUEST, Labels
from .near_names import told
from .refused import RefusedTally
from .table_file import TableError, separator_hint

TIME = "time"
# As the log and its exports call it, and `server score`.
SCORES = ("prediction", "__prediction", "probability")
DECISION = "decision"
LABELS = ("__label",)


class Table:
    """Files with the same columns, read as the columns of a model."""

    def __init__(
        self,
        path: str,
        columns: Sequence[Column],
        window: Window = EVER,
        labels: Labels | None = None,
    ) -> None:
        self.paths = _files(path)
        self.columns = columns
        self.window, self.labels = window, labels
        self.refused: RefusedTally | None = None  # a file of rows says nothing of refused requests
        self.names = column_names(self.paths[0])
        known = {column.name for column in columns}
        beside = {TIME, *SCORES, DECISION, *LABELS, "__raw", REQUEST}
        self.beside = beside - known  # unless a feature has that name
        self.unknown = [name for name in self.names if name not in known | beside]
        self.absent = [column.name for column in columns if column.name not in self.names]
        if len(self.absent) * 2 > len(columns):
            raise BadCurrentError(
                f"{path}: {len(self.absent)} of the model's {len(columns)} columns are missing"
                f" ({told(self.absent, self.unknown, 3)}, ...): is this a file for another model?"
                f"{separator_hint(self.names)}"
            )
        if labels and REQUEST not in {*self.names} & self.beside:
            raise BadCurrentError(f"{path}: wanted a column {REQUEST} to join the outcomes on")
        if window != EVER and TIME not in {*self.names} & self.beside:
            raise BadCurrentError(f"{path}: wanted a column {TIME} to select a span of time by")

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, up to BLOCK_ROWS at a time. Raises BadCurrentError."""
        wanted = [c.name for c in self.columns if c.name in self.names]
        beside = (TIME, *SCORES, DECISION, *LABELS, *([REQUEST] if self.labels else []))
        wanted += [n for n in beside if n in self.names and n in self.beside]
        for path in self.paths:
            before = 0
            for columns in read_blocks(path, wanted):
                block = self._block(path, before, dict(zip(wanted, columns, strict=True)))
                before += len(columns[0])
                if block.rows:
                    yield block

    def _block(self, path: Path, before: int, columns: dict[str, table_file.Column]) -> Block:
        hours, chosen = None, np.arange(len(next(iter(columns.values()))))
        arrays = {name: array_of(column) for name, column in columns.items()}
        if TIME in arrays and TIME in self.beside:
            try:
                times = moments(arrays[TIME])
            except CellError as error:
                row = before + error.row + 1
                raise BadCurrentError(f"{path}: row {row}: {TIME}: {error}") from error
            inside = self._inside(times)
            chosen = chosen[inside]
            arrays = {name: array.filter(pa.array(inside)) for name, array in arrays.items()}
            hours = times[inside].astype("datetime64[h]")
        rows = len(chosen)

        def read(name: str, how: Callable[[pa.Array], Floats]) -> Floats:
            try:
                return how(arrays.get(name, pa.nulls(rows)))
            except CellError as error:
                row = before + int(chosen[error.row]) + 1
                raise BadCurrentError(f"{path}: row {row}: {name}: {error}") from error

        values = [read(column.name, partial(encode, column)) for column in self.columns]
        beside = {name: array for name, array in arrays.items() if name in self.beside}
        flat = [n for n in beside if not pa.types.is_list(beside[n].type)]
        score = next((read(name, numbers) for name in SCORES if name in flat), None)
        decisions = texts(beside[DECISION]) if DECISION in beside else []
        if self.labels:
            labels: Floats | None = self.labels.of(beside[REQUEST], None)
        else:
            labels = next((read(name, numbers) for name in LABELS if name in flat), None)
        return Block(rows, values, hours, score, decisions, labels)

    def _inside(self, times: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        inside = np.ones(len(times), np.bool_)
        if self.window.since is not None:
            inside &= times >= np.datetime64(self.window.since.replace(tzinfo=None), "us")
        if self.window.until is not None:
            inside &= times < np.datetime64(self.window.until.replace(tzinfo=None), "us")
        return inside


def moments(array: pa.Array) -> NDArray[np.datetime64]:
    """Return times [n] as UTC microseconds, from timestamps or ISO 8601. Raises CellError."""
    told = pd.Series(array.to_pandas())
    try:
        times = pd.to_datetime(told, utc=True, format="ISO8601", errors="coerce")
    except (ValueError, TypeError) as error:
        raise CellError("ISO 8601", told[0]) from error
    if times.isna().any():
        row = int(np.argmax(times.isna()))
        wrong = CellError("ISO 8601 in every row", array[row].as_py())
        wrong.row = row
        raise wrong
    return times.dt.tz_localize(None).to_numpy("datetime64[us]")


def texts(array: pa.Array) -> list[str]:
    """Return decisions [n] as text, "" where there is none."""
    found: list[str] = pc.fill_null(array.cast(pa.string()), "").to_pylist()
    return found


def _files(pattern: str) -> list[Path]:
    folder = Path(pattern)
    found = folder.rglob("*.parquet") if folder.is_dir() else map(Path, glob.glob(pattern))
    paths = sorted(path for path in found if path.is_file())
    if not paths:
        raise BadCurrentError(f"{pattern}: no such file; wanted a .csv, .csv.gz or .parquet")
    return paths


def column_names(path: Path) -> list[str]:
    """Return the column names of a file. Raises BadCurrentError."""
    try:
        return table_file.column_names(path)
    except TableError as error:
        raise BadCurrentError(str(error)) from error


def read_blocks(path: Path, wanted: list[str]) -> Iterator[table_file.Block]:
    """Yield the wanted columns of a file. Raises BadCurrentError."""
    try:
        yield from table_file.blocks(path, wanted)
    except TableError as error:
        raise BadCurrentError(str(error)) from error
