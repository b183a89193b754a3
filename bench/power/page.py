"""The result as docs/drift.md shows it: two tables and a plot."""

from collections.abc import Iterator

from .provenance import said_of
from .study import EVIDENTLY, FIXED, NO_DRIFT, OURS, Cell, Study

POWER, SCALE = "drift-power", "drift-scale"
METHODS = {OURS: "ours", FIXED: "PSI > 0.1", EVIDENTLY: "Evidently default"}


def tables(study: Study) -> str:
    """Return the result as markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in study.versions.items())
    return "\n".join(
        [
            f"{study.seeds} seeds each, {study.columns} columns,"
            f" alpha {study.settings.alpha}, smallest PSI {study.settings.min_psi}; {versions}.",
            f"{study.method} {said_of(study.measured)}{_of_evidently(study)}",
            "",
            "Runs without drift in which at least one of the columns was called drifted, %:",
            "",
            *_table(study, [c for c in study.cells if c.change == NO_DRIFT]),
            "",
            "Runs in which the changed column was called drifted, %; the first line is no drift:",
            "",
            *_table(study, [c for c in _main(study) if c.change != NO_DRIFT]),
        ]
    )


def _of_evidently(study: Study) -> str:
    measured = study.evidently_measured
    beside = any(EVIDENTLY in cell.flagged for cell in study.cells)
    if not beside or measured == study.measured:
        return ""
    commit = f", commit {measured.commit}" if measured else ", whose commit was not kept"
    return f" Evidently's part is of an earlier run over the same rows{commit}."


def _main(study: Study) -> list[Cell]:
    """Return the cells of the reference size that all methods were run with."""
    first = study.cells[0].reference_rows
    return [cell for cell in study.cells if cell.reference_rows == first]


def _table(study: Study, cells: list[Cell]) -> Iterator[str]:
    methods = [m for m in METHODS if any(m in cell.flagged for cell in study.cells)]
    sizes = list(dict.fromkeys(cell.rows for cell in cells))
    yield (
        "| change | reference | "
        + " | ".join(f"{METHODS[m]}, {n:,}" for m in methods for n in sizes)
        + " |"
    )
    yield "|---|--:|" + "--:|" * len(methods) * len(sizes)
    for change, reference in dict.fromkeys((c.change, c.reference_rows) for c in cells):
        row = {c.rows: c for c in cells if (c.change, c.reference_rows) == (change, reference)}
        shown = " | ".join(_share(row[n], m) for m in methods for n in sizes)
        yield f"| {change} | {reference:,} | {shown} |"


def _share(cell: Cell, method: str) -> str:
    if method not in cell.flagged:
        return ""
    return f"{100 * cell.flagged[method] / cell.runs:.0f}"
