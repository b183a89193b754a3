"""The summary: this server against each peer, from one result file."""

from pathlib import Path

from .. import result
from ..result import Result, Row
from .tables import NOTHING, number

OURS = "json"
ONE, MANY = 1, 32
WITH_PEERS, WITHOUT = "peers", "saturation"
COMPARED = "ours, times theirs"
SHORT = ("", f"answers/s, {MANY} connections", COMPARED, "p50 us, 1 connection", COMPARED)
LONG = (*SHORT, "CPU us an answer", COMPARED)
SHARED = " The machine was shared: only ratios count."
QUICK = " Quick form: too short to quote."


def source(folder: Path) -> Result | None:
    """Return the result with the peers in it, or else without them; raises result.ResultError."""
    return result.read(WITH_PEERS, folder) or result.read(WITHOUT, folder)


def table(folder: Path, headings: tuple[str, ...] = LONG) -> str:
    """Return the table in Markdown, "" if nothing was measured; raises ResultError."""
    found = source(folder)
    cells = lines(found.rows, len(headings)) if found else []
    if not cells:
        return ""
    grid = [list(headings), ["---"] * len(headings), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in grid)


def lines(rows: list[Row], width: int) -> list[list[str]]:
    """Return a row of cells for each server; empty if ours was not measured at both counts."""
    model = rows[0]["model"] if rows else ""
    at = {(row["subject"], row["connections"]): row
          for row in rows if "error" not in row and row["model"] == model}  # fmt: skip
    ours = at.get((OURS, MANY)), at.get((OURS, ONE))
    if ours[0] is None or ours[1] is None:
        return []
    names = dict.fromkeys(row["subject"] for row in rows)
    return [
        line(label_of(rows, name), at.get((name, MANY)), at.get((name, ONE)), (ours[0], ours[1]))[
            :width
        ]
        for name in names
    ]


def label_of(rows: list[Row], name: str) -> str:
    """Return a subject's label."""
    return next(str(row["label"]) for row in rows if row["subject"] == name)


def line(label: str, many: Row | None, one: Row | None, ours: tuple[Row, Row]) -> list[str]:
    """Return one server's cells: its figures, and ours divided by them."""
    if many is None or one is None:
        return [label, "could not be measured, see below", *[NOTHING] * (len(LONG) - 2)]
    cells = [label]
    for theirs, mine, column in ((many, ours[0], "per_second"), (one, ours[1], "p50_us"),
                                 (many, ours[0], "cpu_us")):  # fmt: skip
        cells += [number(theirs[column]), times(mine, theirs, column)]
    return cells


def times(ours: Row, theirs: Row, column: str) -> str:
    """Return ours as a multiple of theirs; "" for ourselves."""
    mine, other = ours[column], theirs[column]
    if ours is theirs or mine is None or not other:
        return NOTHING
    return number(mine / other)


def conditions(found: Result) -> str:
    """Return where, when and how it was measured, in one line."""
    machine = found.host
    return (
        f"{found.rows[0]['model']} model, record on, one worker on one core of {machine.cpu}, "
        f"{found.measured}, commit {found.commit}."
        + SHARED * (machine.load_average > machine.cores / 2)
        + QUICK * found.quick
    )
