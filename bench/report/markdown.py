"""Render BENCHMARKS.md from the result files alone."""

from pathlib import Path

from .. import result
from ..result import Result, Row
from . import budget, summary
from .sections import MEASURED_BY, PEERS, STAGES, TABLES
from .tables import Table, alone, grid, pivoted, whole

TITLE = """# Benchmarks

Every number below stands in a file of bench/results, or is a ratio or sum of two that do; the
sentences are made of them too. `python -m bench --render` writes this page, `make bench` and `make
bench-peers` measure again on this machine. Compare inside one table only.

- *Half within* is the median latency: half of all answers came within that time, *99 % within* all
  but one in a hundred. A dash is a share with fewer than ten answers beyond it.
- `credit-express` is the committed model, with 23 features and held-out applicants. `500x31` has
  500 trees of 31 leaves and 120 features (or the number after a dash), a third of them with missing
  values, 12 of them categories; it is made from a seed.
- One worker on one core answers, with the record on; what asks has the other core.
"""
MISSING = "Not measured yet: `{}`."
BUSY = "The machine was shared, load {} on {} cores: times are too long, ratios are what is left."
QUICK = "Quick form: too short to quote."
ALL, HOW = "All figures, and how they were measured", "How it was measured"


def render(folder: Path = result.FOLDER) -> str:
    """Return the whole document; raises result.ResultError."""
    return "\n".join([TITLE, *(section(table, folder) for table in TABLES), versions(folder)])


def section(table: Table, folder: Path) -> str:
    """Return one section: what follows, its picture, the short tables, and all of it."""
    found = result.read(table.result, folder)
    if found is None:
        by = MEASURED_BY.get(table.result, f"python -m bench --only {table.result}")
        return "\n\n".join([f"## {table.title}", MISSING.format(by)]) + "\n"
    place = "bench/results/" if folder == result.FOLDER else ""
    picture = f"![{table.title}]({place}{table.plot}.svg)" if table.plot else ""
    short = [pivoted(each, found.rows) for each in table.pivots]
    if table.short:
        short.append(grid(table.short, found.rows))
    if table is PEERS:
        short.append(summary.table(folder))
    how, every = f"{table.how} {alone(table, found.rows)}{method(found)}", whole(table, found.rows)
    if table is STAGES:
        every += f"\n\n{budget.section(folder)}"
    full = folded(ALL, how, every) if table.folded else [every, *folded(HOW, how)]
    parts = [f"## {table.title}", table.says(found.rows), picture, *short, provenance(found), *full]
    return "\n\n".join(filter(None, [*parts, *failures(found.rows)])) + "\n"


def folded(title: str, *parts: str) -> list[str]:
    """Return parts that a reader opens."""
    return [f"<details><summary>{title}</summary>", *parts, "</details>"]


def provenance(found: Result) -> str:
    """Return where and when it was measured, and whether others used the machine."""
    machine = found.host
    said = [f"{found.measured}, commit {found.commit}, {machine.cpu}, {machine.cores} cores."]
    if machine.load_average > machine.cores / 2:
        said.append(BUSY.format(machine.load_average, machine.cores))
    return f"*{' '.join([*said, *[QUICK] * found.quick])}*"


def method(found: Result) -> str:
    """Return how much was measured."""
    told = ", ".join(f"{name} {value}" for name, value in found.method.items())
    return f"{told}." if told else ""


def failures(rows: list[Row]) -> list[str]:
    """Return what could not be measured, with the exact error."""
    lines = [
        f"- {row['label']}, {row['model']}: `{row['error']}`" for row in rows if "error" in row
    ]
    return ["Could not be measured:", "\n".join(lines)] if lines else []


def versions(folder: Path) -> str:
    """Return the machines and versions of all results, once each; "" if nothing was measured."""
    known = [found for table in TABLES if (found := result.read(table.result, folder))]
    said: dict[str, list[str]] = {}
    for found in known:
        machine = found.host
        packages = ", ".join(f"{name} {version}" for name, version in found.versions.items())
        place = f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}"
        said.setdefault(f"{place}. {packages}.", []).append(found.name)
    lines = [f"- {', '.join(names)}: {text}" for text, names in said.items()]
    return "\n\n".join(["## Machines and versions", "\n".join(lines)]) + "\n" if lines else ""
