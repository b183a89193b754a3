"""Text that a model, a file or a log supplies, made to mean nothing but itself where it is shown.

A feature may be called `<script>`, a category `![x](http://…)`, a model `\\x1b]0;`: none of it may
run, be fetched, be followed or be laid out by what shows it to people. Files keep names exactly.
"""

import re
from collections.abc import Iterable

LOOKALIKES = str.maketrans("<>&\"'`\\", "‹›＆”’ˋ⧵")
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
JOINER = "\u2060"
# Streamlit finds these in finished text, where no backslash is left: arrows, its logo, addresses.
FOUND_LATE = re.compile(
    r"(?<=[<>=~-])(?=[<>=-])|(?<=:)(?=//|streamlit:)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE
)


def visible(text: str) -> str:
    """Return text for a terminal: one line, its control characters written out as Python does."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(error: object) -> str:
    """Return what an error says, for a terminal; some libraries say it in several lines."""
    return visible(" ".join(str(error).strip().split("\n")))


def markdown(text: str) -> str:
    """Return text that Streamlit's Markdown shows as it is."""
    return PUNCTUATION.sub(r"\\\1", FOUND_LATE.sub(JOINER, visible(text)))


def harmless(text: str) -> str:
    """Return text for HTML, script and JSON that others write: its markup as look-alike signs."""
    return visible(text).translate(LOOKALIKES)


def distinct(names: Iterable[str]) -> list[str]:
    """Return names made harmless; two that would look alike are told apart by a number."""
    found: dict[str, int] = {}
    for name in names:
        first = free = harmless(name)
        while free in found:
            found[first] += 1
            free = f"{first} ({found[first]})"
        found[free] = 1
    return list(found)
