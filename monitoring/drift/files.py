"""A reference made from a file of rows, for two files and no bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from .binning import edges_of, sentinels_of
from .columns import CATEGORY, NUMBER, Column, Floats
from .encode import as_labels
from .errors import BadReferenceError
from .reference import Reference
from .tables import DECISION, SCORES, TIME, Table, is_parquet
from .tally import tally

NUMBERS = (
    pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null,
)  # fmt: skip
CATEGORIES = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_boolean, pa.types.is_dictionary,
)  # fmt: skip
MOST_LABELS = 1000
"""A text column with more distinct values is an identifier or free text, not a category."""


def from_file(path: str, ignored: Sequence[str] = ()) -> Reference:
    """Read the reference from a CSV or Parquet file. Raises BadReferenceError, BadCurrentError."""
    table = _read(Path(path))
    table = table.drop_columns([name for name in ignored if name in table.column_names])
    columns, skipped = columns_of(table)
    if not columns:
        raise BadReferenceError(f"{path}: no column that drift can be looked for in")
    notes = [f"{name}: {why}, left out" for name, why in skipped.items()]
    scores = next((name for name in SCORES if name in table.column_names), None)
    edges = edges_of(_finite(table[scores])) if scores else np.array([])
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


def columns_of(table: pa.Table) -> tuple[tuple[Column, ...], dict[str, str]]:
    """Return the columns of a table with their bins, and {name: why} of those left out."""
    columns, skipped = [], {}
    for name in table.column_names:
        if name in {TIME, *SCORES, DECISION, "request_id"} or name.startswith("__"):
            continue
        column = _column(name, table[name].combine_chunks())
        if isinstance(column, str):
            skipped[name] = column
        else:
            columns.append(column)
    return tuple(columns), skipped


def _column(name: str, array: pa.Array) -> Column | str:
    """Return the column, or why it is none."""
    kind = array.type
    if any(is_kind(kind) for is_kind in NUMBERS):
        return number_column(name, _finite(array, drop_infinite=False))
    if not any(is_kind(kind) for is_kind in CATEGORIES):
        return f"{kind} is neither number nor category"
    labels = pc.unique(as_labels(array)).drop_null()
    if len(labels) > MOST_LABELS:
        return f"over {MOST_LABELS} distinct texts"
    return Column(name, CATEGORY, np.array([]), tuple(sorted(labels.to_pylist())))


def number_column(name: str, values: Floats) -> Column:
    """Return a number's column with the bins of its reference values [n], none of them NaN."""
    sentinels = sentinels_of(values)
    usual = values[np.isfinite(values) & ~np.isin(values, list(sentinels))]
    low, high = (usual.min(), usual.max()) if len(usual) else (-np.inf, np.inf)
    return Column(name, NUMBER, edges_of(values), (), float(low), float(high), tuple(sentinels))


def _finite(array: pa.Array, drop_infinite: bool = True) -> Floats:
    values: Floats = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values[np.isfinite(values) if drop_infinite else ~np.isnan(values)]


def _read(path: Path) -> pa.Table:
    try:
        if is_parquet(path):
            return pq.read_table(path)
        options = csv.ConvertOptions(strings_can_be_null=True)
        with pa.input_stream(path, compression="detect") as stream:
            whole = csv.ReadOptions(block_size=1 << 30)  # types are guessed from the first block
            return csv.read_csv(stream, read_options=whole, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadReferenceError(f"{path}: {error}") from error
