"""The lender's reasons from a CSV or JSON file: which features, which code, which texts."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..errors import OptionError
from ..files import read_file, regular
from ..tables.near_names import told as near
from ..tables.table_file import TableError, csv_rows, separator_hint, told
from .entries import FIRST_LANGUAGE, Code, Entry, Texts

MOST_BYTES = 1 << 22
COLUMNS = ("feature", "code", "text", "missing_code", "missing_text")
TEXT = re.compile(r"(missing_)?text(?:_(.+))?")
Row = dict[str, str]  # column -> cell


def read_mapping(path: Path) -> list[Entry]:
    """Read a .csv file (one row a feature; rows of one code are a group), or a .json list.

    Raises OptionError. What the entries say is checked by `entries.check`.
    """
    regular(path, MOST_BYTES)
    if path.suffix.lower() == ".json":
        return _json(path)
    if path.suffix.lower() != ".csv":
        raise OptionError(f"{path}: wanted a .csv or .json file")
    try:
        with told(path):
            rows = _rows(path)
    except TableError as error:
        raise OptionError(str(error)) from error
    try:
        return list(_grouped(rows))
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from error


def _json(path: Path) -> list[Entry]:
    try:
        return msgspec.json.decode(read_file(path, MOST_BYTES), type=list[Entry])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OptionError(f"{path}: {error}") from error


def _rows(path: Path) -> list[Row]:
    header, *rows = csv_rows(path)
    names = [name.strip() for name in header]
    _check_columns(path, names)
    cells = ([cell.strip() for cell in row] for row in rows)
    found = [dict(zip(names, row, strict=True)) for row in cells if any(row)]
    for number, row in enumerate(found, start=2):
        for column in ("feature", "code"):
            if not row[column]:
                raise OptionError(f"{path}: row {number}: no {column}")
    return found


def _check_columns(path: Path, names: Sequence[str]) -> None:
    wanted = {"feature", "code", "text"}
    if any(TEXT.fullmatch(name) and not name.startswith("missing_") for name in names):
        wanted.remove("text")
    unknown = [name for name in names if name not in COLUMNS and not TEXT.fullmatch(name)]
    if absent := [name for name in COLUMNS if name in wanted and name not in names]:
        raise OptionError(f"{path}: no column {near(absent, unknown)}{separator_hint(names)}")
    if unknown:
        raise OptionError(f"{path}: unknown column {unknown[0]!r}; wanted {', '.join(COLUMNS)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise OptionError(f"{path}: more than one column {twice[0]}")


def _grouped(rows: Sequence[Row]) -> Iterator[Entry]:
    groups = dict[str, list[Row]]()
    for row in rows:
        groups.setdefault(row["code"], []).append(row)
    for code, group in groups.items():
        features = tuple(row["feature"] for row in group)
        yield Entry(code, _texts(code, group, ""), features=features, missing=_missing(code, group))


def _missing(code: str, group: Sequence[Row]) -> Code | None:
    found = _one(code, group, "missing_code")
    texts = _texts(code, group, "missing_")
    if found:
        return Code(found, texts)
    if any(texts.values()):
        raise OptionError(f"code {code}: a missing_text without a missing_code")
    return None


def _texts(code: str, group: Sequence[Row], prefix: str) -> Texts:
    found = Texts()
    for column in group[0]:
        match = TEXT.fullmatch(column)
        if match and (match[1] or "") == prefix:
            language = match[2] or FIRST_LANGUAGE
            if language in found:
                raise OptionError(f"columns {prefix}text and {column} are both of {language}")
            found[language] = _one(code, group, column)
    return found


def _one(code: str, group: Sequence[Row], column: str) -> str:
    """Return what the rows of a code say in a column: once, or the same each time."""
    said = list(dict.fromkeys(row[column] for row in group if row.get(column)))
    if len(said) > 1:
        raise OptionError(f"code {code}: {column} is {said[0]!r} and {said[1]!r}: wanted one")
    return said[0] if said else ""
