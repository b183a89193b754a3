"""Restore feature names: LightGBM replaces blanks by underscores when it saves a model."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import RowsError
from ..tables.table_file import TableError, column_names
from .loading import Loaded, check_names


def as_known(loaded: Loaded, known: Iterable[str], where: str) -> Loaded:
    """Give each feature the known name that LightGBM would have changed into its own.

    A feature keeps its name if that name is known, or if two known names could have become it.
    """
    before = loaded.model.feature_names
    names = tuple(_restored(before, list(dict.fromkeys(known))))
    changed = [(old, new) for old, new in zip(before, names, strict=True) if old != new]
    if not changed:
        return loaded
    check_names(names)
    old, new = changed[0]
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    note = f"names from {where}: {new!r} for {old!r}{more}, because LightGBM replaces blanks"
    model = replace(loaded.model, feature_names=names)
    return replace(loaded, model=model, notes=(*loaded.notes, note))


def as_in_rows(loaded: Loaded, rows: Path) -> Loaded:
    """Give each feature its column's name in a file; raises RowsError if it cannot be read."""
    try:
        return as_known(loaded, column_names(rows), str(rows))
    except TableError as error:
        raise RowsError(str(error)) from error


def _restored(features: tuple[str, ...], known: list[str]) -> Iterable[str]:
    changed: dict[str, list[str]] = {}
    for name in known:
        changed.setdefault(name.replace(" ", "_"), []).append(name)
    for feature in features:
        found = changed.get(feature, [])
        yield found[0] if len(found) == 1 else feature
