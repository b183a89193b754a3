"""A section of BENCHMARKS.md: its tables, how values are formatted, how rows are grouped."""

from collections.abc import Callable

import msgspec

from ..result import Row

Format = Callable[[object], str]
Says = Callable[[list[Row]], str]
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


class Pivot(msgspec.Struct, frozen=True):
    """A short table: a row for each label, a column for each value of `by`, one figure a cell.

    `only` names a key and the value that a row must have there; of rows alike the first counts.
    """

    caption: str
    key: str
    by: str
    label: str = "label"
    only: tuple[str, object] | None = None


class Table(msgspec.Struct, frozen=True):
    """A section: the result it shows, the sentence that follows from it, how it was measured.

    The whole table is folded if `folded`, below the short ones, one of which may be of the columns
    in `short`; `by` is what its rows differ in.
    """

    result: str
    title: str
    says: Says
    how: str
    columns: tuple[Column, ...]
    by: tuple[str, ...]
    plot: str | None = None
    pivots: tuple[Pivot, ...] = ()
    folded: bool = True
    short: tuple[Column, ...] = ()


def markdown(lines: list[list[str]]) -> str:
    """Return a Markdown table; the first line is its heading."""
    head, *rest = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rest])


def grid(columns: tuple[Column, ...], rows: list[Row]) -> str:
    """Return a table in Markdown, without columns that no row has."""
    known = [column for column in columns if any(column.key in row for row in rows)]
    lines = [[column.format(row.get(column.key)) for column in known] for row in rows]
    return markdown([[column.heading for column in known], *lines])


def pivoted(pivot: Pivot, rows: list[Row]) -> str:
    """Return the short table in Markdown, "" if no row has its figure."""
    known = [row for row in rows if pivot.key in row and pivot.by in row and chosen(pivot, row)]
    values = list(dict.fromkeys(row[pivot.by] for row in known))
    at = {(row[pivot.label], row[pivot.by]): row[pivot.key] for row in reversed(known)}
    labels = dict.fromkeys(row[pivot.label] for row in known)
    lines = [[label, *(number(at.get((label, value))) for value in values)]
             for label in labels]  # fmt: skip
    head = [pivot.caption, *(WORDS[pivot.by].format(value) for value in values)]
    return markdown([head, *lines]) if known else ""


def chosen(pivot: Pivot, row: Row) -> bool:
    """Whether a row is one of those that the short table shows."""
    return pivot.only is None or row.get(pivot.only[0]) == pivot.only[1]


WORDS = {"model": "{}", "connections": "{} at once", "share": "{:.0%} of capacity"}
BY = {
    "model": Column("model", "model", text), "connections": Column("at once", "connections"),
    "share": Column("at, of capacity", "share", percent), "axis": Column("against", "axis", text),
}  # fmt: skip


def whole(table: Table, rows: list[Row]) -> str:
    """Return all rows as one table; what they differ in by `by` stands in front."""
    known = [row for row in rows if "error" not in row]
    several = [key for key in table.by if len({row[key] for row in known}) > 1]
    return grid((*(BY[key] for key in several), *table.columns), known) if table.columns else ""


def alone(table: Table, rows: list[Row]) -> str:
    """Return what all rows have in common: the model, if it is one."""
    models = {row["model"] for row in rows if "error" not in row and "model" in table.by}
    return f"Model {models.pop()}; " if len(models) == 1 else ""
