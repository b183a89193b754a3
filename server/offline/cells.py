"""A cell of a table, text or typed, to the value a client would send; empty and NaN are missing."""

from collections.abc import Callable
from typing import Any

from ..bundle import Category, Feature
from ..faults import Fault, Rule, show

Cell = Callable[[Any], Any]


class CellError(Exception):
    """A cell the model must not see."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.feature}: wanted {fault.wanted}, got {fault.got}")


def reader(feature: Feature) -> Cell:
    """Return cell -> value for one feature; it raises CellError."""
    spelled, rule = spelling(feature), Rule(feature)

    def read(cell: Any) -> Any:
        value = None if is_missing(cell) else spelled(cell)
        if not rule.fits(value):
            raise CellError(Fault(feature.name, rule.wanted, show(cell)))
        return value

    return read


def is_missing(cell: Any) -> bool:
    """Whether the cell is null, empty or NaN."""
    return cell is None or cell == "" or cell != cell


def spelling(feature: Feature) -> Cell:
    """Return what reads a cell's text; a cell that cannot be read so stays as it is."""
    if isinstance(feature, Category):
        known = {str(value): value for value in feature.categories}
        return lambda cell: known.get(cell, number(cell)) if isinstance(cell, str) else cell
    return number


def number(cell: Any) -> Any:
    """Return the number a text spells, 1 or 0 for a typed true or false, or the cell itself."""
    if isinstance(cell, bool):
        return float(cell)  # as LightGBM takes such a column of a data frame
    if not isinstance(cell, str):
        return cell
    try:
        return float(cell)
    except ValueError:
        return cell
