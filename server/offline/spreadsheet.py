"""Texts of a CSV file that a spreadsheet would take for a formula, and run, get an apostrophe.

monitoring/ reads it through a link: folders share files and no imports.

The way back is exact: a text that begins with an apostrophe has one more than it was given.
"""

import re

FORMULA = r"^([ \t-\r]*[=+\-@＝＋－＠]|['\t\r\n])"
NUMBER = r"(?i)^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)$"
"""Such a text is a number to a spreadsheet, whatever its sign."""
_formula, _number = re.compile(FORMULA), re.compile(NUMBER, re.ASCII)


def guarded(text: str) -> str:
    """Return a text as it stands in a cell."""
    return f"'{text}" if _formula.match(text) and not _number.match(text) else text
