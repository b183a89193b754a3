"""Render BENCHMARKS.md from the result files alone."""

from pathlib import Path

from .. import result
from ..result import Result, Row
from . import budget, summary
from .sections import MEASURED_BY, STAGES, TABLES
from .tables import Column, Table, groups

TITLE = """# Benchmarks

Rendered by `python -m bench --render` from the files in bench/results; every number below stands in
one of them or is a ratio or sum of two. `make bench` measures them again on this machine, `make
bench-peers` the tables with peers. credit-express is the committed model with 23 features and its
held-out applicants; the others, trees x leaves, are seeded and synthetic: 120 features (or the
number after the dash), a third of them with missing values, 12 categories.
Compare inside one table only. A dash is a quantile with fewer than ten samples above it.
"""
MISSING = "Not measured yet: `{}`."
BUSY = (
    "**The machine was shared: load average {} on {} cores when this began. Absolute times "
    "are worse than the machine's own; ratios within a table are what is left.**"
)


def render(folder: Path = result.FOLDER) -> str:
    """Return the whole document; raises result.ResultError."""
    return "\n".join([TITLE, *short(folder), *(section(table, folder) for table in TABLES)])


def short(folder: Path) -> list[str]:
    """Return the summary; an empty list if nothing was measured."""
    table, found = summary.table(folder), summary.source(folder)
    if not table or found is None:
        return []
    return ["\n\n".join(["## In short", summary.conditions(found), table]) + "\n"]


def section(table: Table, folder: Path) -> str:
    """Return one section."""
    found = result.read(table.result, folder)
    parts = [f"## {table.title}", table.intro]
    if found is None:
        by = MEASURED_BY.get(table.result, f"python -m bench --only {table.result}")
        return "\n\n".join([*parts, MISSING.format(by)]) + "\n"
    parts += header(found)
    if table.plot:
        place = "bench/results/" if folder == result.FOLDER else ""
        parts.append(f"![{table.title}]({place}{table.plot}.svg)")
    for name, rows in groups(table, found.rows).items():
        parts += [f"### {name}", grid(table.columns, rows)]
    if table is STAGES:
        parts += ["### Does it add up?", budget.section(folder)]
    parts += failures(found.rows)
    return "\n\n".join(parts) + "\n"


def header(found: Result) -> list[str]:
    """Return where, when and how it was measured."""
    machine = found.host
    place = f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}"
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    method = ", ".join(f"{name} {value}" for name, value in found.method.items())
    quick = " Quick form: too short to quote." if found.quick else ""
    lines = [f"{found.measured}, commit {found.commit}. {place}. {versions}. {method}.{quick}"]
    if machine.load_average > machine.cores / 2:
        lines.append(BUSY.format(machine.load_average, machine.cores))
    return lines


def grid(columns: tuple[Column, ...], rows: list[Row]) -> str:
    """Return a Markdown table, without columns that no row has."""
    known = [column for column in columns if any(column.key in row for row in rows)]
    lines = [[column.heading for column in known], ["---"] * len(known)]
    lines += [[column.format(row.get(column.key)) for column in known] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def failures(rows: list[Row]) -> list[str]:
    """Return what could not be measured, with the exact error."""
    lines = [
        f"- {row['label']}, {row['model']}: `{row['error']}`" for row in rows if "error" in row
    ]
    return ["Could not be measured:", "\n".join(lines)] if lines else []
