"""Read reference rows from a file: as a client would send them, and as the model sees them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import RowsError
from ..tables import arrays
from ..tables.cells import UNSEEN, Categories, CellError
from ..tables.near_names import told
from ..tables.reference import Reference
from ..tables.table_file import separator_hint
from .features import Feature
from .sent import sent_category, sent_numbers
from .tree import ZERO, Bools, Floats

ALL_UNSEEN = "; does the file hold numbers where the model lists texts, or texts for numbers?"

ReadLabel = Callable[[pa.ChunkedArray, str], Floats]


@dataclass(frozen=True)
class Rows:
    """Reference rows: `X` float64 [N, F] as the model sees them, `sent` the same as a client's
    values.

    `label` [N] is None without a label column. `unseen` counts, for each feature, the values that
    are not a category; `X` holds NaN for them.
    """

    X: Floats
    sent: pa.Table
    label: Floats | None
    unseen: tuple[int, ...]


def read_rows(
    source: Path | Reference,
    features: list[Feature],
    label: str | None,
    read_label: ReadLabel | None = None,
) -> Rows:
    """Read the features, and the label column if one is named, by column name.

    `read_label` turns the label column into numbers; without it the column must hold numbers.
    Raises RowsError naming the column and the value that does not fit.
    """
    wanted = [f.name for f in features] + ([label] if label is not None else [])
    found = source if isinstance(source, Reference) else Reference.read(source, wanted)
    path = found.path
    if absent := [name for name in wanted if name not in found.columns]:
        hint = separator_hint([*found.names])
        near = told(absent, [name for name in found.names if name not in wanted])
        raise RowsError(f"{path}: no column {near}; {len(absent)} absent{hint}")
    if not found.rows:
        raise RowsError(f"{path}: no rows")
    read = [_Column.read(found, feature) for feature in features]
    sent = pa.table({f.name: each.sent for f, each in zip(features, read, strict=True)})
    X = np.column_stack([each.seen for each in read])
    labels = None if label is None else _label(found, label, read_label)
    return Rows(X, sent, labels, tuple(each.unseen for each in read))


@dataclass(frozen=True)
class _Column:
    """One feature [N]: as the model sees it, as a client would send it, and its number of unseen
    values.
    """

    seen: Floats
    sent: pa.Array
    unseen: int

    @classmethod
    def read(cls, source: Reference, feature: Feature) -> "_Column":
        chunks = source.columns[feature.name]
        if feature.categories is None or feature.codes is None:
            values = _read(source, feature.name, arrays.numbers)
            return cls(as_served(fill(values, feature), feature), sent_numbers(values, chunks), 0)
        categories = Categories(feature.categories)
        places = _read(source, feature.name, lambda chunk: arrays.places(chunk, categories))
        known = places >= 0
        codes = np.full(len(places), np.nan)
        codes[known] = np.array(feature.codes)[places[known].astype(np.int64)]
        sent = sent_category(places, categories, chunks)
        return cls(fill(codes, feature), sent, int(np.count_nonzero(places == UNSEEN)))


def _read(source: Reference, name: str, read: Callable[[pa.Array], Floats]) -> Floats:
    """Apply `read` to each chunk of a column and join the results; a RowsError names the row."""
    found, before = [], 0
    for chunk in source.columns[name]:
        try:
            found.append(read(chunk))
        except CellError as error:
            row = before + error.row + 1
            raise RowsError(f"{source.path}: row {row}: {name}: {error}") from error
        before += len(chunk)
    return np.concatenate(found)


def _label(source: Reference, name: str, read_label: ReadLabel | None) -> Floats:
    if read_label is not None:
        return read_label(_without_blanks(source.columns[name]), name)
    labels = _read(source, name, arrays.numbers)
    if (missing := np.isnan(labels)).any():
        raise RowsError(f"{source.path}: {missing_labels(name, missing)}")
    return labels


def missing_labels(name: str, missing: Sequence[bool] | Bools) -> str:
    """Say how many labels of the column `name` are missing, where, and what to do."""
    first = int(np.argmax(missing)) + 1
    return (
        f"column {name}: {np.count_nonzero(missing)} of {len(missing)} labels are missing, the "
        f"first in row {first}: leave these rows out, or fill in their labels"
    )


def _without_blanks(chunks: list[pa.Array]) -> pa.ChunkedArray:
    """Return a column with empty texts as nulls."""
    column = pa.chunked_array(chunks)
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.equal(column, ""), None, column)


def refused_by_default(rows: Rows | None, features: list[Feature]) -> list[str]:
    """Describe the features whose reference values the server would refuse: missing or unseen."""
    if rows is None:
        return []
    empty = np.isnan(rows.X).sum(axis=0).tolist()
    notes = []
    for feature, count, unseen in zip(features, empty, rows.unseen, strict=True):
        of = f"of {len(rows.X)} reference rows"
        if unseen:
            notes.append(
                f"{feature.name}: not a known category in {unseen} {of}: "
                "the server refuses such applicants" + (ALL_UNSEEN if unseen == len(rows.X) else "")
            )
        if feature.policy == "error" and count:
            notes.append(
                f"{feature.name}: missing or unseen in {count} {of}, but no split was trained on "
                "missing values: the server refuses such applicants"
                + ("" if feature.is_category else "; --missing changes that")
            )
    return notes


def as_served(values: Floats, feature: Feature) -> Floats:
    """Replace missing numbers as the server does."""
    if feature.missing_value is None:
        return values
    return np.where(np.isnan(values), feature.missing_value, values)


def fill(values: Floats, feature: Feature) -> Floats:
    """Apply the bundle's rules to one column: zero as missing, whole codes. See docs/bundle.md."""
    if feature.zero_as_missing:
        return np.where(np.abs(values) <= ZERO, np.nan, values)
    if feature.is_category and not feature.ordered:
        return np.trunc(values)
    return values


def fill_rows(X: Floats, features: list[Feature]) -> Floats:
    """Apply `fill` to each column of `X` [N, F]; copies only if something changes."""
    touched = [i for i, f in enumerate(features) if f.zero_as_missing or f.is_category]
    filled = X.copy() if touched else X
    for index in touched:
        filled[:, index] = fill(X[:, index], features[index])
    return filled
