"""Put an apostrophe before CSV texts that a spreadsheet would run as a formula.

monitoring/ reads it through a link: folders share files and no imports.

The change can be undone exactly: remove one apostrophe from every text that begins with one.
"""

import re

FORMULA = r"^([ \t-\r]*[=+\-@＝＋－＠]|['\t\r\n])"
NUMBER = r"(?i)^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)$"
"""Such a text is a number to a spreadsheet, whatever its sign."""
_formula, _number = re.compile(FORMULA), re.compile(NUMBER, re.ASCII)


def guarded(text: str) -> str:
    """Return a text as it is written into a cell."""
    return f"'{text}" if _formula.match(text) and not _number.match(text) else text
