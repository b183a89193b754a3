"""CSV made a JSON array of applicants; each cell is read as docs/tables.md says.

A cell that its feature does not take is passed on as a text, which `/score` refuses in its words.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from typing import Any

import msgspec

from ..bundle.manifest import Category, Feature
from ..http.problem import FOR_TABLES, Problem
from ..offline.cells import UNSEEN, Categories, CellError
from ..offline.cells import number as number_of
from ..scoring.catalog import several
from ..scoring.lenient import show
from .translated import Most, Sent

Cell = Callable[[str], Any]
Lines = Iterator[tuple[int, list[str]]]
SEPARATORS = {";": "semicolons", "\t": "tabs"}
AS_NAMED = 0.5  # above this share of features' names, a first line is a header


class CsvRows:
    """Reads CSV for one model: with a header in any order, without one in the model's order."""

    def __init__(self, features: Sequence[Feature], most: Most) -> None:
        self._names = [feature.name for feature in features]
        self._cells = {feature.name: cell_of(feature) for feature in features}
        self._alike = {spelt(name) for name in self._names}
        self._most = most

    def read(self, body: bytes, must_name: bool = False, in_order: bool = False) -> Sent:
        """Return the applicants; raises Problem 400, 413 and 422.

        `must_name`: there must be a header. `in_order`: it must have the model's order, as other
        parts of the same file come without it.
        """
        most = self._most.applicants
        lines = numbered(body, most)
        first = next(lines, None)
        if first is None:
            raise Problem(422, "body: empty; wanted lines of CSV")
        begin = first[1][: 2 * len(self._names)]
        alike = sum(spelt(cell) in self._alike for cell in begin)
        is_header = alike > AS_NAMED * len(begin)
        names = self._header(first[1], in_order) if is_header else self._names
        if must_name and not is_header:
            raise Problem(422, "line 1: wanted the features' names, got " + show(first[1][0]))
        numbers: list[int] = []
        rows: list[dict[str, Any]] = []
        for number, cells in lines if is_header else chain_of(first, lines):
            if len(rows) >= most:
                raise Problem(413, f"body: wanted at most {most} rows, got more{FOR_TABLES}")
            numbers.append(number)
            rows.append(self._row(number, names, cells))
        return Sent(msgspec.json.encode(rows), lambda i, name: of_line(numbers[i], name))

    def _header(self, cells: list[str], in_order: bool) -> list[str]:
        if "" in cells and "" not in self._cells:
            said = f"wanted a name for each column, got none for column {cells.index('') + 1}"
            raise Problem(422, f"line 1: {said}: leave it out if it is an index")
        (name, count), *_ = Counter(cells).most_common(1)
        if count > 1:
            raise Problem(422, f"line 1: wanted each name once, got {show(name)} again")
        if in_order and cells != self._names:
            said = "wanted the model's order, as the next part of the file comes without names"
            raise Problem(422, f"line 1: {said}: {', '.join(self._names)}")
        return [*map(self._most.short, cells)]

    def _row(self, number: int, names: list[str], cells: list[str]) -> dict[str, Any]:
        if len(cells) != len(names):
            raise Problem(422, f"line {number}: {miscounted(names, cells)}")
        read = self._cells
        return {
            name: read[name](cell) if name in read else cell
            for name, cell in zip(names, cells, strict=True)
        }


def numbered(body: bytes, most: int) -> Lines:
    """Yield each row that is not blank and the number of its first line; raises Problem 400, and
    413 for more than `most` blank lines.
    """
    begin, blank = 1, 0
    try:
        reader = csv.reader(StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        for cells in reader:
            if cells:
                yield begin, cells
            elif (blank := blank + 1) > most:
                raise Problem(413, f"body: wanted at most {most} blank lines, got more")
            begin = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise Problem(400, f"body: wanted UTF-8: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise Problem(400, f"not CSV: line {reader.line_num}: {error}") from error


def chain_of(first: tuple[int, list[str]], rest: Lines) -> Lines:
    """Yield a line before others."""
    yield first
    yield from rest


def cell_of(feature: Feature) -> Cell:
    """Return the function from a feature's cell to the value that is sent."""
    if not isinstance(feature, Category):
        return number_or_text
    categories = Categories(feature.categories)

    def read(cell: str) -> Any:
        place = categories.place(cell)
        if place is None:
            return None
        return cell if place == UNSEEN else categories.values[place]

    return read


def number_or_text(cell: str) -> float | str | None:
    """Return a cell's number, None where it is missing, else its text."""
    try:
        return number_of(cell)
    except CellError:
        return cell


def spelt(name: str) -> str:
    """Return a name without its capitals, and with `_` for blanks, as a header may have it."""
    return name.strip().casefold().replace(" ", "_")


def miscounted(names: Sequence[str], cells: Sequence[str]) -> str:
    """Return what is wrong with a row that has more or fewer cells than names."""
    said = f"wanted {len(names)} cells, {several(names)}, got {len(cells)}"
    if len(cells) > len(names):
        return f"{said}: leave out an index, an id or a label"
    for mark, word in SEPARATORS.items():
        if sum(cell.count(mark) for cell in cells) == len(names) - 1 > 0:
            return f"{said}: separate them by commas, not by {word}"
    return said


def of_line(number: int, feature: str) -> str:
    """Return where a cell stood."""
    return f"line {number}" + (f": {feature}" if feature else "")
