"""Convert a table's column to the model's numbers: float64, or positions of category values."""

from collections.abc import Sequence

from .arrays import numbers, places
from .cells import Categories, Value
from .columns import CATEGORY, Column, Floats
from .table_file import Column as Cells


def encode(column: Column, cells: Cells) -> Floats:
    """Return the column's values [n] as float64, NaN where missing. Raises CellError."""
    if column.kind == CATEGORY:
        return places(cells, Categories(column.categories or column.labels))
    return numbers(cells, column.infinite)


def labels_of(categories: Sequence[Value]) -> tuple[str, ...]:
    """Return categories as text: 1, 1.5, True, A."""
    whole = (int(c) if isinstance(c, float) and c.is_integer() else c for c in categories)
    return tuple(map(str, whole))
