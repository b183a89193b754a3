"""Rows of CSV and Parquet files, in blocks: drift for anyone without our log."""

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..log.window import EVER, Window
from ..outcomes.labels import REQUEST, Labels
from .block import Block
from .columns import NUMBER, Column, Floats
from .encode import encode
from .errors import BadCurrentError

BLOCK_ROWS = 1 << 16
READ_BYTES = 1 << 16
"""Read column by column in such pieces: Arrow's reading ahead keeps the whole file in memory."""
TIME = "time"
SCORES = ("prediction", "__prediction")
DECISION = "decision"
LABELS = ("__label",)


class Table:
    """Files of one shape, read as the columns of a model."""

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
        self.names = column_names(self.paths[0])
        known = {column.name for column in columns}
        beside = {TIME, *SCORES, DECISION, *LABELS, "__raw", REQUEST}
        self.beside = beside - known  # a feature of such a name is a feature
        self.unknown = [name for name in self.names if name not in known | beside]
        self.absent = [column.name for column in columns if column.name not in self.names]
        if len(self.absent) * 2 > len(columns):
            raise BadCurrentError(
                f"{path}: {len(self.absent)} of {len(columns)} columns of the model are not in it"
                f" ({', '.join(self.absent[:3])}, ...): is it a file of another model?"
            )
        if labels and REQUEST not in {*self.names} & self.beside:
            raise BadCurrentError(f"{path}: wanted a column {REQUEST} to join the outcomes by")
        if window != EVER and TIME not in {*self.names} & self.beside:
            raise BadCurrentError(f"{path}: wanted a column {TIME} to select a span of time by")

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, some tens of thousands at a time. Raises BadCurrentError."""
        wanted = [c.name for c in self.columns if c.name in self.names]
        beside = (TIME, *SCORES, DECISION, *LABELS, *([REQUEST] if self.labels else []))
        wanted += [n for n in beside if n in self.names and n in self.beside]
        numbers = {column.name for column in self.columns if _reads_as_numbers(column)}
        numbers |= self.beside & {*SCORES, *LABELS}
        for path in self.paths:
            for batch in batches(path, wanted, numbers):
                block = self._block(dict(zip(batch.schema.names, batch.columns, strict=True)))
                if block.rows:
                    yield block

    def _block(self, columns: dict[str, pa.Array]) -> Block:
        days = None
        if TIME in columns and TIME in self.beside:
            times = moments(columns[TIME])
            inside = self._inside(times)
            columns = {name: array.filter(pa.array(inside)) for name, array in columns.items()}
            days = times[inside].astype("datetime64[D]")
        rows = len(next(iter(columns.values())))
        nothing = pa.nulls(rows)
        values = [encode(c, columns.get(c.name, nothing)) for c in self.columns]
        beside = {name: array for name, array in columns.items() if name in self.beside}
        score = next((beside[name] for name in SCORES if name in beside), None)
        decisions = texts(beside[DECISION]) if DECISION in beside else []
        return Block(rows, values, days, _numbers(score), decisions, self._labels(beside))

    def _labels(self, columns: dict[str, pa.Array]) -> Floats | None:
        if self.labels:
            return self.labels.of(columns[REQUEST], None)
        return _numbers(next((columns[name] for name in LABELS if name in columns), None))

    def _inside(self, times: NDArray[np.datetime64]) -> NDArray[np.bool_]:
        inside = np.ones(len(times), np.bool_)
        if self.window.since is not None:
            inside &= times >= np.datetime64(self.window.since.replace(tzinfo=None), "us")
        if self.window.until is not None:
            inside &= times < np.datetime64(self.window.until.replace(tzinfo=None), "us")
        return inside


def moments(array: pa.Array) -> NDArray[np.datetime64]:
    """Return times [n] as UTC microseconds, from timestamps or ISO 8601. Raises BadCurrentError."""
    try:
        times = pd.to_datetime(pd.Series(array.to_pandas()), utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        said = str(error).splitlines()[0]
        raise BadCurrentError(f"{TIME}: wanted ISO 8601, got {said}") from error
    if none := int(times.isna().sum()):
        raise BadCurrentError(f"{TIME}: wanted ISO 8601 in every row, got none in {none} rows")
    return times.dt.tz_localize(None).to_numpy("datetime64[us]")


def _reads_as_numbers(column: Column) -> bool:
    """Whether a CSV's text is a number: also for a category such as 1, 2, 3, so that 1.0 is 1."""
    plain = (label.lstrip("-").replace(".", "", 1) for label in column.labels)
    return column.kind == NUMBER or all(label.isdecimal() for label in plain)


def _numbers(array: pa.Array | None) -> Floats | None:
    if array is None or pa.types.is_list(array.type):
        return None
    numbers: Floats = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def texts(array: pa.Array) -> list[str]:
    """Return decisions [n] as text, empty where there is none."""
    found: list[str] = pc.fill_null(array.cast(pa.string()), "").to_pylist()
    return found


def _files(pattern: str) -> list[Path]:
    folder = Path(pattern)
    found = folder.rglob("*.parquet") if folder.is_dir() else map(Path, glob.glob(pattern))
    paths = sorted(path for path in found if path.is_file())
    if not paths:
        raise BadCurrentError(f"{pattern}: no such file; wanted a .csv, .csv.gz or .parquet")
    return paths


def is_parquet(path: Path) -> bool:
    """Whether a file is read as Parquet; anything else is taken for CSV."""
    return path.suffix in {".parquet", ".pq"}


def column_names(path: Path) -> list[str]:
    """Return the column names of a file. Raises BadCurrentError."""
    try:
        if is_parquet(path):
            return list(pq.read_schema(path).names)
        with pa.input_stream(path, compression="detect") as stream:
            return list(csv.open_csv(stream).schema.names)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadCurrentError(f"{path}: {error}") from error


def batches(path: Path, wanted: list[str], numbers: set[str]) -> Iterator[pa.RecordBatch]:
    """Yield the wanted columns of a file; `numbers` are read as float64, from CSV the rest as text.

    Raises BadCurrentError.
    """
    try:
        if is_parquet(path):
            file = pq.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES)
            yield from file.iter_batches(BLOCK_ROWS, columns=wanted)
            return
        types = {name: pa.float64() if name in numbers else pa.string() for name in wanted}
        options = csv.ConvertOptions(
            column_types=types, include_columns=wanted, strings_can_be_null=True
        )
        with pa.input_stream(path, compression="detect") as stream:
            yield from csv.open_csv(
                stream,
                read_options=csv.ReadOptions(block_size=1 << 24),
                convert_options=options,
            )
    except (pa.ArrowInvalid, OSError) as error:
        raise BadCurrentError(f"{path}: {error}") from error
