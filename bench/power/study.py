"""The study: over many seeds, how often is there a false alarm, and how often is drift found?"""

import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

import msgspec
import numpy as np
import pandas as pd
from tqdm import tqdm

from monitoring.drift.result import Settings
from monitoring.errors import MonitoringError

from . import ours
from .evidently_default import flagged as evidently_flagged
from .portfolio import portfolio
from .provenance import Provenance, provenance
from .shifts import shifts

OURS, FIXED, EVIDENTLY = "ours", "fixed", "evidently"
NO_DRIFT = "none"
METHOD = (
    "Per seed and pair of sizes a reference and current rows are drawn anew from a made-up"
    " portfolio of unchanged columns, and beside them one column per change; each method judges"
    " all of them as columns of one run of the portfolio's size."
)
BESIDE = 2
"""Evidently runs against so many of the reference sizes: it takes most of the time."""


class Cell(msgspec.Struct):
    """One change at one size: in how many of `runs` runs each method flagged it.

    For NO_DRIFT, a run counts if any of its 30 columns was flagged.
    """

    change: str
    is_drift: bool
    reference_rows: int
    rows: int
    runs: int
    flagged: dict[str, int]


class Study(msgspec.Struct, kw_only=True):
    """The raw result, as committed; Evidently's part may come from an earlier run."""

    method: str = METHOD
    measured: Provenance | None = None
    evidently_measured: Provenance | None = None
    seeds: int
    columns: int
    settings: Settings
    versions: dict[str, str]
    seconds: float
    cells: list[Cell]


def run(sizes: list[int], references: list[int], seeds: int, with_evidently: bool) -> Study:
    """Run every size against every reference size; Evidently only against the first two."""
    measured, begun = provenance(), time.monotonic()
    counts: Counter[tuple[str, int, int, str]] = Counter()
    for seed, reference, rows in _grid(seeds, references, sizes):
        random = np.random.default_rng([seed, reference, rows])
        beside = with_evidently and reference in references[:BESIDE]
        for method, names in one_run(random, reference, rows, beside).items():
            for change in changes_in(names):
                counts[change, reference, rows, method] += 1
    return Study(
        measured=measured,
        evidently_measured=measured if with_evidently else None,
        seeds=seeds,
        columns=len(portfolio()),
        settings=Settings(),
        versions={name: version(name) for name in ("evidently", "numpy", "pandas", "scipy")},
        seconds=round(time.monotonic() - begun, 1),
        cells=_cells(counts, sizes, references, seeds, with_evidently),
    )


def _grid(seeds: int, references: list[int], sizes: list[int]) -> Iterator[tuple[int, int, int]]:
    grid = [(s, r, n) for s in range(seeds) for r in references for n in sizes]
    return iter(tqdm(grid, desc="drift power", unit=" runs", disable=None))


def one_run(
    random: np.random.Generator, reference_rows: int, rows: int, beside: bool
) -> dict[str, set[str]]:
    """Draw reference and current rows and return the columns that each method flags."""
    before, now = frame(random, reference_rows, True), frame(random, rows, False)
    columns = ours.columns_of(before)
    counted = (ours.count(columns, before), ours.count(columns, now))
    judged = ours.judge(columns, *counted, family=len(portfolio()))
    found = {
        OURS: {name for name, column in judged.items() if column.drifted},
        FIXED: {name for name, column in judged.items() if column.psi > ours.FIXED_PSI},
    }
    return found | {EVIDENTLY: evidently_flagged(before, now)} if beside else found


def frame(random: np.random.Generator, rows: int, before: bool) -> pd.DataFrame:
    """Draw the unchanged portfolio, and one more column for each change."""
    quiet = {shape.name: shape.draw(random, rows) for shape in portfolio()}
    changed = {s.name: (s.before if before else s.after)(random, rows) for s in shifts()}
    return pd.DataFrame(quiet | changed)


def changes_in(names: set[str]) -> list[str]:
    """Return the changes among flagged columns, and NO_DRIFT if an unchanged column is flagged."""
    noise = names & {shape.name for shape in portfolio()}
    found = [shift.name for shift in shifts() if shift.name in names]
    return [NO_DRIFT, *found] if noise else found


def _cells(
    counts: Counter[tuple[str, int, int, str]],
    sizes: list[int],
    references: list[int],
    seeds: int,
    with_evidently: bool,
) -> list[Cell]:
    changes = [(NO_DRIFT, False), *((shift.name, shift.is_drift) for shift in shifts())]
    cells = []
    for change, is_drift in changes:
        for reference in references:
            beside = [EVIDENTLY] if with_evidently and reference in references[:BESIDE] else []
            for rows in sizes:
                flagged = {m: counts[change, reference, rows, m] for m in (OURS, FIXED, *beside)}
                cells.append(Cell(change, is_drift, reference, rows, seeds, flagged))
    return cells


def with_evidently_of(result: Study, earlier: Study) -> Study:
    """Return our result with Evidently's counts from an earlier run on the same rows.

    The rows depend only on seeds and sizes, so a change of our method need not repeat Evidently's
    hour. Raises MonitoringError if seeds or library versions differ.
    """
    if (earlier.seeds, earlier.versions) != (result.seeds, result.versions):
        raise MonitoringError("wanted an earlier result of the same seeds and versions")
    result.evidently_measured = earlier.evidently_measured
    known = {(c.change, c.reference_rows, c.rows): c.flagged for c in earlier.cells}
    for cell in result.cells:
        flagged = known.get((cell.change, cell.reference_rows, cell.rows), {})
        cell.flagged |= {EVIDENTLY: flagged[EVIDENTLY]} if EVIDENTLY in flagged else {}
    return result
