"""The small table in README.md, rendered between its markers from the same result."""

from pathlib import Path

from .. import marks, result
from ..host import ROOT
from . import summary

PATH = ROOT / "README.md"
NAME = "bench"


def render(document: str, folder: Path = result.FOLDER) -> str:
    """Return the document with the table between its markers; raises ResultError."""
    found = summary.source(folder)
    if found is None:
        return document
    table = summary.table(folder, summary.SHORT)
    return marks.filled(document, NAME, f"{table}\n\n{summary.conditions(found)}")
