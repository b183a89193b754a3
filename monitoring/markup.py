"""Escape text from models, files and logs, so that it is displayed literally.

A feature may be called `<script>`, a category `![x](http://…)`, a model `\\x1b]0;`. None of it may
run, load anything, become a link or change the layout where people see it. Files keep the exact
names.
"""

import re
from collections.abc import Iterable

LOOKALIKES = str.maketrans("<>&\"'`\\", "‹›＆”’ˋ⧵")
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
JOINER = "\u2060"
# Streamlit replaces these after Markdown has removed backslashes: arrows, its logo, addresses.
FOUND_LATE = re.compile(
    r"(?<=[<>=~-])(?=[<>=-])|(?<=:)(?=//|streamlit:)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE
)


def visible(text: str) -> str:
    """Return text for a terminal: one line, control characters escaped as Python does."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(error: object) -> str:
    """Return an error's message on one line, for a terminal."""
    return visible(" ".join(str(error).strip().split("\n")))


def markdown(text: str) -> str:
    """Return text that Streamlit's Markdown displays literally."""
    return PUNCTUATION.sub(r"\\\1", FOUND_LATE.sub(JOINER, visible(text)))


def harmless(text: str) -> str:
    """Return text that is safe inside HTML, scripts and JSON: markup becomes look-alike
    characters.
    """
    return visible(text).translate(LOOKALIKES)


def distinct(names: Iterable[str]) -> list[str]:
    """Return names made harmless; if two become the same, a number is added."""
    found: dict[str, int] = {}
    for name in names:
        first = free = harmless(name)
        while free in found:
            found[first] += 1
            free = f"{first} ({found[first]})"
        found[free] = 1
    return list(found)
