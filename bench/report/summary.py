"""The summary: this server against each peer, from one result file."""

from pathlib import Path

from .. import result
from ..result import Result, Row
from .tables import NOTHING, markdown, number

OURS = "json"
ONE, MANY = 1, 32
WITH_PEERS, WITHOUT = "peers", "saturation"
# A heading, the connections, the key of its value; with a second heading, of ours as a multiple.
COLUMNS = (
    (f"answers a second, {MANY} at once", MANY, "per_second", "ours, times theirs"),
    ("half within, µs, one at a time", ONE, "p50_us", "ours, of theirs"),
    ("processor time an answer, µs", MANY, "cpu_us", "ours, of theirs"),
    ("memory, MiB", MANY, "memory_mib", ""),
    ("other decisions than LightGBM's", MANY, "flips", ""),
)
SHORT = 3  # columns that README shows
SHARED = " The machine was shared: only ratios count."
QUICK = " Quick form: too short to quote."


def source(folder: Path) -> Result | None:
    """Return the result with the peers in it, or else without them; raises result.ResultError."""
    return result.read(WITH_PEERS, folder) or result.read(WITHOUT, folder)


def table(folder: Path, columns: int = len(COLUMNS)) -> str:
    """Return the table in Markdown, "" if nothing was measured; raises ResultError."""
    found = source(folder)
    cells = lines(found.rows, columns) if found else []
    if not cells:
        return ""
    heads = [name for first, _, _, second in COLUMNS[:columns] for name in (first, second) if name]
    return markdown([["", *heads], *cells])


def lines(rows: list[Row], columns: int) -> list[list[str]]:
    """Return a row of cells for each server that was measured; empty without ours at both counts.

    Who could not be measured stands below the table in BENCHMARKS.md, with the error.
    """
    model = rows[0]["model"] if rows else ""
    at = {(row["subject"], row["connections"]): row
          for row in rows if "error" not in row and row["model"] == model}  # fmt: skip
    if not {(OURS, ONE), (OURS, MANY)} <= {*at}:
        return []
    names = dict.fromkeys(subject for subject, _ in at)
    return [[label_of(rows, name), *line(at, name, columns)] for name in names]


def label_of(rows: list[Row], name: str) -> str:
    """Return a subject's label."""
    return next(str(row["label"]) for row in rows if row["subject"] == name)


def line(at: dict[tuple[str, int], Row], name: str, columns: int) -> list[str]:
    """Return one server's cells: its figures, and ours divided by them."""
    cells: list[str] = []
    for _, count, key, compared in COLUMNS[:columns]:
        theirs = at.get((name, count), {}).get(key)
        cells.append(number(theirs))
        if compared:
            cells.append(times(at[OURS, count].get(key), theirs, name == OURS))
    return cells


def times(mine: float | None, other: float | None, ours: bool) -> str:
    """Return ours as a multiple of theirs; nothing for ourselves."""
    return NOTHING if ours or mine is None or not other else number(mine / other)


def conditions(found: Result) -> str:
    """Return where, when and how it was measured, in one line."""
    machine = found.host
    return (
        f"{found.rows[0]['model']} model, record on, one worker on one core of {machine.cpu}, "
        f"{found.measured}, commit {found.commit}."
        + SHARED * (machine.load_average > machine.cores / 2)
        + QUICK * found.quick
    )
