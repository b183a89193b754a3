"""Convert a cell of a feature's column to the value that a client would send."""

from collections.abc import Callable
from typing import Any

from ..bundle.manifest import Category, Feature
from ..scoring.rule import Rule
from . import cells

Read = Callable[[Any], Any]


class UnfitCellError(Exception):
    """A cell that the model must not see."""


def reader(feature: Feature) -> Read:
    """Return a function from cell to value for one feature; it raises UnfitCellError."""
    spelled = category(feature) if isinstance(feature, Category) else cells.number
    rule = Rule(feature)

    def read(cell: Any) -> Any:
        try:
            value = spelled(cell)
        except cells.CellError as error:
            raise UnfitCellError(f"{feature.name}: {error}") from error
        if not rule.fits(value):
            got = cells.show(cell)
            raise UnfitCellError(f"{feature.name}: wanted {rule.wanted}, got {got}")
        return value

    return read


def category(feature: Category) -> Read:
    """Return the reader of a category; a cell that is not one of its values is left as it is."""
    known = cells.Categories(feature.categories)

    def read(cell: Any) -> Any:
        place = known.place(cell)
        if place is None:
            return None
        return Unseen() if place == cells.UNSEEN else known.values[place]

    return read


class Unseen:
    """A value that is not a known category."""
