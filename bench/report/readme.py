"""The part of README.md between its markers: before and after, and the peers in short."""

from pathlib import Path

from .. import marks, result
from ..host import ROOT
from . import sentences, summary
from .sections import BEFORE_AFTER

PATH = ROOT / "README.md"
NAME = "bench"


def render(document: str, folder: Path = result.FOLDER) -> str:
    """Return the document with what was measured between its markers; raises ResultError."""
    found, steps = summary.source(folder), result.read(BEFORE_AFTER.result, folder)
    parts: list[str] = []
    if steps is not None:
        parts += [sentences.before_after(steps.rows),
                  f"![{BEFORE_AFTER.title}](bench/results/{BEFORE_AFTER.plot}.svg)"]  # fmt: skip
    if found is not None:
        parts += [summary.table(folder, summary.SHORT), summary.conditions(found)]
    return marks.filled(document, NAME, "\n\n".join(filter(None, parts))) if parts else document
