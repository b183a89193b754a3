"""Convert a cell of a feature's column to the value that a client would send."""

from collections.abc import Callable
from typing import Any

from ..bundle.manifest import Category, Feature
from ..scoring.rule import Rule
from . import cells

Read = Callable[[Any], Any]


class UnfitCellError(Exception):
    """A cell that the model must not see."""


def reader(feature: Feature, decimal: str = ".") -> Read:
    """Return a function from cell to value for one feature; it raises UnfitCellError.

    With the `decimal` "," a text spells a number with a comma, and with no point.
    """
    spelled = category(feature) if isinstance(feature, Category) else cells.number
    rule = Rule(feature)

    def read(cell: Any) -> Any:
        try:
            comma = decimal == "," and isinstance(cell, str)
            value = spelled(with_point(cell) if comma else cell)
        except cells.CellError as error:
            said = f"wanted {error.wanted}, got {cells.show(cell)}"
            raise UnfitCellError(f"{feature.name}: {said}") from error
        if not rule.fits(value):
            got = cells.show(cell)
            raise UnfitCellError(f"{feature.name}: wanted {rule.wanted}, got {got}")
        return value

    return read


def has_numbers(feature: Feature) -> bool:
    """Whether a text stands for a number of this feature: not where it has a category of texts."""
    return not isinstance(feature, Category) or not any(
        isinstance(value, str) for value in feature.categories
    )


def with_point(text: str) -> str:
    """Return a text with a decimal comma as cells.spelled reads it; one with a point is none."""
    return text.replace(".", "_").replace(",", ".")


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
