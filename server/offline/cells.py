"""Read one cell of a table by the rule of docs/tables.md, whatever wrote the table.

convert/ and monitoring/ read it through a link: folders share files and no imports.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

Value = str | int | float | bool

# Digits of other scripts, 1_000, 0x10, inf and nan do not count as numbers.
SPELLED = re.compile(r"[+-]?(?:([0-9]+)|[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
ENDLESS = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
WITHOUT_NUMBER = frozenset({"", "na", "n/a", "nan", "none", "null"})
TRUTH = {"true": True, "false": False}
BLANKS = " \t"
UNSEEN = -1
EXACT = 2**53 - 1
LONGEST = 400  # digits; float64's largest number has 309
SHOWN = 60


class CellError(Exception):
    """A cell that does not fit its column. `row` is its position in the block, from 0."""

    def __init__(self, wanted: str, cell: object) -> None:
        self.row, self.wanted = 0, wanted
        super().__init__(f"wanted {wanted}, got {show(cell)}")


def number(cell: Any, infinite: bool = False) -> float | None:
    """Return a cell's number, None if it is missing; infinity only if `infinite`.

    True and false are 1 and 0, as LightGBM reads them from a data frame. Raises CellError for a
    text that does not spell a number, and for an integer that float64 would round.
    """
    value = spelled(cell, WITHOUT_NUMBER) if isinstance(cell, str) else cell
    if infinite and isinstance(value, str) and ENDLESS.fullmatch(value):
        value = float(value)
    if infinite and isinstance(value, float) and math.isinf(value):
        return value
    if isinstance(value, bool | Decimal):
        value = float(value)
    if value is None or (isinstance(value, float) and value != value):
        return None
    if type(value) not in {int, float} or not is_exact(value):
        raise CellError("a finite number", cell)
    return float(value)


def spelled(text: str, missing: frozenset[str] = frozenset()) -> Any:
    """Return the number or boolean that a text spells, None if it is in `missing`, else the
    text.
    """
    plain = text.strip(BLANKS)
    if (word := plain.lower()) in missing:
        return None
    if (found := SPELLED.fullmatch(plain)) is None:
        return TRUTH.get(word, text)
    if found[1] is not None and found.end(1) == len(plain):
        whole = int(plain) if len(plain) < LONGEST else math.inf
        return float(plain) if is_exact(whole) else text
    return float(plain)


def is_exact(value: float) -> bool:
    """Whether the number is finite and float64 holds it exactly."""
    if isinstance(value, int):
        return abs(value) <= EXACT or (abs(value) < 2**1023 and int(float(value)) == value)
    return math.isfinite(value)


class Categories:
    """The values of a category, and how to find the one that a cell stands for.

    A text stands for the category with exactly that text; otherwise for the number or boolean it
    spells. A number never stands for a text category: 1 is not "1".
    """

    def __init__(self, values: Sequence[Value]) -> None:
        self.values = tuple(values)
        kinds: dict[type, dict[Value, int]] = {str: {}, float: {}, bool: {}}
        for place, value in enumerate(self.values):
            kinds[float if type(value) is int else type(value)][value] = place
        self._texts, self._numbers, self._truths = kinds.values()
        self._missing = frozenset({""}) if self._texts else WITHOUT_NUMBER

    def place(self, cell: Any) -> int | None:
        """Return the position of a cell's value; None if missing, UNSEEN if unknown."""
        if isinstance(cell, str):
            if cell in self._texts:
                return self._texts[cell]
            cell = spelled(cell, self._missing)
        if cell is None or cell != cell:
            return None
        if isinstance(cell, Decimal):
            cell = float(cell)
        if isinstance(cell, bool):
            return self._truths.get(cell, UNSEEN)
        known = type(cell) in {int, float} and is_exact(cell)
        return self._numbers.get(cell, UNSEEN) if known else UNSEEN


def by_cell(cells: Sequence[Any], read: Callable[[Any], float | None]) -> list[float | None]:
    """Apply `read` to each cell; a CellError carries the position of the first bad one."""
    found = []
    for row, cell in enumerate(cells):
        try:
            found.append(read(cell))
        except CellError as error:
            error.row = row
            raise
    return found


def show(cell: object) -> str:
    """Return a cell as JSON, shortened; a missing one as null."""
    text = json.dumps(cell, ensure_ascii=False, default=str)
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return cut.encode("utf-8", "backslashreplace").decode()
