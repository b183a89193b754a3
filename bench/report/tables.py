"""A table of BENCHMARKS.md: its columns, how values are formatted, how rows are grouped."""

from collections.abc import Callable

import msgspec

from ..result import Row

Format = Callable[[object], str]
NOTHING = "–"


def text(value: object) -> str:
    """Return a value unchanged."""
    return NOTHING if value is None else str(value)


def number(value: object) -> str:
    """Return three significant digits, thousands grouped."""
    if not isinstance(value, int | float):
        return NOTHING
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def tiny(value: object) -> str:
    """Format an error: 0, or two digits with an exponent."""
    if not isinstance(value, int | float):
        return NOTHING
    return "0" if value == 0 else f"{value:.1e}"


def percent(value: object) -> str:
    """Return a share as a percentage."""
    return f"{value * 100:.0f} %" if isinstance(value, int | float) else NOTHING


class Column(msgspec.Struct, frozen=True):
    """A heading, the key of its value in a row, and how it is formatted."""

    heading: str
    key: str
    format: Format = number


class Table(msgspec.Struct, frozen=True):
    """A section: the result it shows, a description, and one table for each value of `by`."""

    result: str
    title: str
    intro: str
    columns: tuple[Column, ...]
    by: tuple[str, ...]
    plot: str | None = None


def groups(table: Table, rows: list[Row]) -> dict[str, list[Row]]:
    """Return the rows of each sub-table by its heading, in the order measured."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if "error" not in row:
            found.setdefault(heading(table, row), []).append(row)
    return found


def heading(table: Table, row: Row) -> str:
    """Return what distinguishes a sub-table: model, connections, share of capacity."""
    words = {"model": "{}", "connections": "{} connections", "share": "{:.0%} of capacity",
             "axis": "Against {}"}  # fmt: skip
    return ", ".join(words[name].format(row[name]) for name in table.by)
