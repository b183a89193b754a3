"""A reference made from a file of rows, for comparing two files without a bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .arrays import array_of, numbers
from .binning import edges_of, sentinels_of
from .cells import CellError, Value, spelled
from .columns import CATEGORY, NUMBER, Column, Floats
from .encode import labels_of
from .errors import BadReferenceError
from .reference import Reference
from .table_file import Column as Cells
from .tables import DECISION, SCORES, TIME, Table, column_names, read_blocks
from .tally import tally

MOST_LABELS = 1000
"""A text column with more distinct values is an identifier or free text, not a category."""
TEXT = pa.string()
BESIDE = {TIME, *SCORES, DECISION, "request_id"}


def from_file(path: str, ignored: Sequence[str] = ()) -> Reference:
    """Read a reference from a file. Raises BadReferenceError and BadCurrentError."""
    names = [name for name in column_names(Path(path)) if name not in ignored]
    cells = _read(Path(path), names)
    columns, skipped = columns_of(cells)
    if not columns:
        raise BadReferenceError(f"{path}: no column that can be checked for drift")
    notes = [f"{name}: {why}, left out" for name, why in skipped.items()]
    notes += [
        f"{column.name}: {odd}: treated as a category, though most of its values are numbers"
        for column in columns
        if column.kind == CATEGORY and (odd := _odd(cells[column.name], column.labels))
    ]
    scores = next((name for name in SCORES if name in names), None)
    edges = edges_of(_scores(path, scores, cells[scores])) if scores else np.array([])
    everything = None
    for block in Table(path, columns).blocks():
        one = tally(columns, edges, block)
        everything = one if everything is None else everything
        if everything is not one:
            everything.add(one)
    if everything is None:
        raise BadReferenceError(f"{path}: no rows")
    left_out = frozenset(ignored) | frozenset(skipped)
    return Reference(
        columns, edges, everything, model=Path(path).name, notes=notes, left_out=left_out
    )


def columns_of(table: dict[str, list[Cells]]) -> tuple[tuple[Column, ...], dict[str, str]]:
    """Return the columns of a table with their bins, and {name: why} of those left out."""
    columns, skipped = [], {}
    for name, cells in table.items():
        if name in BESIDE or name.startswith("__"):
            continue
        column = _column(name, cells)
        if isinstance(column, str):
            skipped[name] = column
        else:
            columns.append(column)
    return tuple(columns), skipped


def _column(name: str, cells: list[Cells]) -> Column | str:
    """Return the column (a number if every cell is one, else a category), or why it is left out."""
    kinds = {array_of(part).type for part in cells}
    if all(map(_is_number, kinds)):
        return number_column(name, _present(cells))
    if not all(pa.types.is_string(kind) or pa.types.is_boolean(kind) for kind in kinds):
        return f"{kinds.pop()} is neither number nor category"
    distinct = pc.unique(pa.chunked_array([array_of(part) for part in cells])).drop_null()
    if isinstance(cells[0], tuple) and not _are_truths(distinct):
        try:
            return number_column(name, _present(cells))
        except CellError:
            pass
    distinct = distinct.filter(pc.not_equal(distinct, "")) if distinct.type == TEXT else distinct
    if _are_times(distinct):
        return "time is neither number nor category"
    if len(distinct) > MOST_LABELS:
        odd = _odd(cells, distinct.to_pylist())
        return f"over {MOST_LABELS} distinct texts" + (f" ({odd})" if odd else "")
    categories = tuple(sorted(_values(distinct.to_pylist()), key=str))
    return Column(name, CATEGORY, np.array([]), labels_of(categories), categories=categories)


def _odd(cells: list[Cells], texts: Sequence[str]) -> str | None:
    """Return the first text in a CSV column that is mostly numbers; None for other columns."""
    numeric = sum(isinstance(spelled(str(text)), int | float) for text in texts)
    if not isinstance(cells[0], tuple) or not len(texts) / 2 < numeric < len(texts):
        return None
    before = 0
    for part in cells:
        try:
            before += len(numbers(part, infinite=True))
        except CellError as error:
            return f"row {before + error.row + 1}: {error}"
    return None


def _is_number(kind: pa.DataType) -> bool:
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    return any(is_kind(kind) for is_kind in numeric)


def _are_truths(distinct: pa.Array) -> bool:
    return len(distinct) < 10 and any(isinstance(spelled(t), bool) for t in distinct.to_pylist())


def _present(cells: list[Cells]) -> Floats:
    values = np.concatenate([numbers(part, infinite=True) for part in cells])
    present: Floats = values[~np.isnan(values)]
    return present


def _values(texts: list[Value]) -> list[Value]:
    """Convert texts to values if all are spelled as we would write them: 1, 2.5, true, but
    not 01.
    """
    found = [spelled(text) if isinstance(text, str) else text for text in texts]
    truths = all(isinstance(value, bool) for value in found)
    plain = labels_of(found) == tuple(texts) and not any(isinstance(v, str) for v in found)
    return list(dict.fromkeys(found)) if truths or plain else texts


def _are_times(texts: pa.Array) -> bool:
    try:
        return texts.type == TEXT and len(texts.cast(pa.timestamp("us"))) > 0
    except pa.ArrowInvalid:
        return False


def number_column(name: str, values: Floats) -> Column:
    """Return a numeric column with the bins of its reference values [n], which hold no NaN."""
    sentinels = sentinels_of(values)
    usual = values[np.isfinite(values) & ~np.isin(values, list(sentinels))]
    low, high = (usual.min(), usual.max()) if len(usual) else (-np.inf, np.inf)
    limits = float(low), float(high), tuple(sentinels)
    return Column(name, NUMBER, edges_of(values), (), *limits, infinite=True)


def _scores(path: str, name: str, cells: list[Cells]) -> Floats:
    try:
        present = _present(cells)
        return present[np.isfinite(present)]
    except CellError as error:
        raise BadReferenceError(f"{path}: {name}: {error}") from error


def _read(path: Path, names: list[str]) -> dict[str, list[Cells]]:
    table: dict[str, list[Cells]] = {name: [] for name in names}
    for block in read_blocks(path, names):
        for name, cells in zip(names, block, strict=True):
            table[name].append(cells)
    return table
