"""Reference rows from CSV or Parquet: values as a client sends them, and the row the model sees."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from .errors import RowsError
from .features import Feature
from .files import regular
from .linear import ZERO
from .tree import Floats

ReadLabel = Callable[[pa.ChunkedArray, str], Floats]


@dataclass(frozen=True)
class Rows:
    """`X` float64 [N, F] as the model sees them, `sent` the same columns as the client's values."""

    X: Floats
    sent: pa.Table
    label: Floats | None


def read_rows(
    path: Path, features: list[Feature], label: str | None, read_label: ReadLabel | None = None
) -> Rows:
    """Read the features by name, and the label column where one is named.

    `read_label` turns that column into numbers; without it, it has to hold some.

    Raises RowsError naming the column and the value that does not fit.
    """
    table = _table(path)
    absent = [f.name for f in features if f.name not in table.column_names]
    absent += [label] if label is not None and label not in table.column_names else []
    if absent:
        raise RowsError(f"{path}: no column {', '.join(absent[:10])}; {len(absent)} absent")
    if not table.num_rows:
        raise RowsError(f"{path}: no rows")
    columns = [_as_served(encode(table.column(f.name), f), f) for f in features]
    labels = (read_label or _numbers)(table.column(label), label) if label is not None else None
    if labels is not None and np.isnan(labels).any():
        raise RowsError(f"{path}: column {label}: a label is missing")
    sent = table.select([f.name for f in features])
    return Rows(np.column_stack(columns), sent, labels)


def refused_by_default(rows: Rows | None, features: list[Feature]) -> list[str]:
    """Name the features whose reference values the server would refuse: missing, or unseen."""
    if rows is None:
        return []
    counts = np.isnan(rows.X).sum(axis=0).tolist()
    return [
        f"{feature.name}: missing or unseen in {count} of {len(rows.X)} reference rows, which no "
        "split was trained on: the server refuses such applicants"
        + ("" if feature.is_category else "; --missing chooses otherwise")
        for feature, count in zip(features, counts, strict=True)
        if feature.policy == "error" and count
    ]


def _table(path: Path) -> pa.Table:
    """Empty means missing; text such as NA or None is a category like any other."""
    regular(path)
    try:
        if path.suffix == ".parquet":
            table = pyarrow.parquet.read_table(path)
        else:
            options = pyarrow.csv.ConvertOptions(null_values=[""], strings_can_be_null=True)
            table = pyarrow.csv.read_csv(path, convert_options=options)
    except (OSError, pa.ArrowInvalid) as error:
        raise RowsError(f"{path}: {error}") from error
    names = table.column_names
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise RowsError(f"{path}: more than one column {', '.join(twice[:10])}")
    return pa.table({name: _plain(table.column(name)) for name in names})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Undo dictionary encoding (pandas categories)."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def encode(column: pa.ChunkedArray, feature: Feature) -> Floats:
    """Return the float64 column the model sees: codes for categories, NaN for missing."""
    values = _codes(column, feature) if feature.is_category else _numbers(column, feature.name)
    return fill(values, feature)


def _as_served(values: Floats, feature: Feature) -> Floats:
    """Put in what the server puts in for a missing number, and refuse what it refuses."""
    if not feature.is_category and np.isinf(values).any():
        at = int(np.flatnonzero(np.isinf(values))[0])
        raise RowsError(
            f"column {feature.name}, row {at + 1}: a finite number wanted, got infinity"
        )
    if feature.missing_value is None:
        return values
    return np.where(np.isnan(values), feature.missing_value, values)


def fill(values: Floats, feature: Feature) -> Floats:
    """Apply the bundle's rules for filling a row, for raw numbers as LightGBM takes them."""
    if feature.zero_as_missing:
        return np.where(np.abs(values) <= ZERO, np.nan, values)
    if feature.is_category:
        return np.trunc(values)
    return values


def fill_rows(X: Floats, features: list[Feature]) -> Floats:
    """Apply `fill` column by column to `[N, F]`; copies only when something changes."""
    touched = [i for i, f in enumerate(features) if f.zero_as_missing or f.is_category]
    filled = X.copy() if touched else X
    for index in touched:
        filled[:, index] = fill(X[:, index], features[index])
    return filled


def _numbers(column: pa.ChunkedArray, name: str | None) -> Floats:
    try:
        if pa.types.is_null(column.type):
            return np.full(len(column), np.nan)
        numbers = column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RowsError(f"column {name}: numbers wanted, got {column.type}") from error
    found: Floats = numbers.to_numpy(zero_copy_only=False)
    return found.astype(np.float64)


def _codes(column: pa.ChunkedArray, feature: Feature) -> Floats:
    """A category LightGBM was not trained with is missing to it, as in pandas."""
    known = dict(zip(map(_key, feature.categories or []), feature.codes or [], strict=True))
    unique = column.unique().to_pylist()
    codes = {value: known.get(_key(value), np.nan) for value in unique}
    return np.array([codes[value] for value in column.to_pylist()], dtype=np.float64)


def _key(value: object) -> object:
    """Compare numbers as numbers, however the file typed them; anything else as text."""
    if isinstance(value, bool | int | float):
        return float(value)
    return value if value is None else str(value)
