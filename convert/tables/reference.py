"""The columns of a file of reference rows, as the file holds them: texts, or typed values."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ..errors import RowsError
from ..files import regular
from .arrays import array_of
from .table_file import TableError, blocks, column_names, dictionary_names


@dataclass(frozen=True)
class Reference:
    """The wanted columns that the file has, each in chunks of `rows` cells in total."""

    path: Path
    columns: dict[str, list[pa.Array]]
    names: tuple[str, ...] = ()
    """All columns of the file, also those that are not wanted."""
    dictionaries: frozenset[str] = frozenset()
    """Columns with a dictionary type, as pandas, polars and Arrow write categories."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(map(len, next(iter(self.columns.values()), [])))

    @classmethod
    def read(cls, path: Path, wanted: Collection[str | None]) -> "Reference":
        """Read those of the wanted columns that the file has; raises RowsError."""
        if not path.is_dir():
            regular(path)
        try:
            held = column_names(path)
            names = [name for name in held if name in wanted]
            typed = frozenset(name for name in dictionary_names(path) if name in wanted)
            columns: dict[str, list[pa.Array]] = {name: [] for name in names}
            for block in blocks(path, names):
                for name, column in zip(names, block, strict=True):
                    columns[name].append(array_of(column))
        except TableError as error:
            raise RowsError(str(error)) from error
        return cls(path, columns, tuple(held), typed)
