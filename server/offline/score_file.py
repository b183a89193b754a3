"""`python -m server score`: score a file row by row, with the server's own model and bits."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from ..scoring.model import Model
from ..scoring.near_names import told
from ..scoring.outcome import Outcome
from . import table
from .reading import UnfitCellError, reader
from .table import Row
from .table_file import Block, TableError, blocks, column_names

PROGRESS_SECONDS = 1.0


def score_file(model: Model, source: Path, out: Path) -> None:
    """Write `source`'s columns and the scores to `out`; a TableError names file and line.

    Creates the folder of `out` if needed.
    """
    header = column_names(source)
    added = score_columns(model)
    refuse_bad_columns(source, header, [f.name for f in model.manifest.features], added)
    lines = (row for block in blocks(source, header) for row in rows_of(block))
    scored = (row + cells(said) for row, said in scored_rows(model, source, header, lines))
    out.parent.mkdir(parents=True, exist_ok=True)
    table.write(out, header + added, with_progress(scored))


def rows_of(block: Block) -> Iterator[Row]:
    """Yield the rows of a block of columns: texts from CSV, or typed values."""
    columns = [each if isinstance(each, tuple) else each.to_pylist() for each in block]
    return map(list, zip(*columns, strict=True))


def score_columns(model: Model) -> list[str]:
    """Return the names of the columns that are added."""
    manifest = model.manifest
    if manifest.outputs == 1:
        return ["raw_score", "probability" if manifest.task == "binary" else "value", "decision"]
    names = manifest.classes or tuple(range(manifest.outputs))
    raw = [f"raw_score_{i}" for i in range(manifest.outputs)]
    return [*raw, *(f"probability_{name}" for name in names)]


def cells(said: Outcome) -> Row:
    """Return the added cells of one row."""
    if isinstance(said.raw, list):
        return [*said.raw, *as_list(said.prediction)]
    return [said.raw, said.prediction, said.decision]


def as_list(value: float | list[float]) -> list[float]:
    """Return the predictions of a row as a list."""
    return value if isinstance(value, list) else [value]


def scored_rows(
    model: Model, source: Path, header: list[str], lines: Iterator[Row]
) -> Iterator[tuple[Row, Outcome]]:
    """Yield every row with its scores; raises TableError on a row that does not fit."""
    positions = [header.index(feature.name) for feature in model.manifest.features]
    readers = [reader(feature) for feature in model.manifest.features]
    columns = list(zip(readers, positions, strict=True))
    for number, row in enumerate(lines, start=1):
        try:
            values = [read(row[position]) for read, position in columns]
        except UnfitCellError as error:
            raise TableError(f"{source}: row {number}: {error}") from error
        yield row, model.score_values(values)


def refuse_bad_columns(
    source: Path, header: Sequence[str], wanted: Sequence[str], added: Sequence[str]
) -> None:
    """Raise TableError for a missing feature, a duplicate column, or one that would be
    overwritten.
    """
    if absent := [name for name in wanted if name not in header]:
        unknown = [name for name in header if name not in wanted]
        raise TableError(f"{source}: no column for {told(absent, unknown, len(absent))}")
    if twice := [name for name in {*wanted} if header.count(name) > 1]:
        raise TableError(f"{source}: more than one column {', '.join(sorted(twice))}")
    if taken := [name for name in added if name in header]:
        raise TableError(f"{source}: already has {', '.join(taken)}")


def with_progress(lines: Iterator[Row]) -> Iterator[Row]:
    """Pass rows through, printing their number on stderr once a second."""
    began = said = monotonic()
    count = 0
    for count, line in enumerate(lines, start=1):
        yield line
        if (now := monotonic()) - said >= PROGRESS_SECONDS:
            said = now
            print(f"{count} rows, {count / (now - began):.0f} a second", file=sys.stderr)
    print(f"{count} rows scored in {monotonic() - began:.1f} s", file=sys.stderr)
