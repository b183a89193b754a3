"""The small table in README.md, between its marks, rendered from the same result."""

from pathlib import Path

from .. import result
from ..host import ROOT
from . import summary

PATH = ROOT / "README.md"
BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"


def render(document: str, folder: Path = result.FOLDER) -> str:
    """Return the document with the table between its marks, if it has them; raises ResultError."""
    head, mark, rest = document.partition(BEGIN)
    found = summary.source(folder)
    if not mark or found is None:
        return document
    table = summary.table(folder, summary.SHORT)
    return f"{head}{BEGIN}{table}\n\n{summary.conditions(found)}\n{END}{rest.partition(END)[2]}"
