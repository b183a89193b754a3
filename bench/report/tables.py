"""Which columns of which result stand in which table of BENCHMARKS.md, and how they are written."""

from collections.abc import Callable

import msgspec

from ..result import Row

Format = Callable[[object], str]
NOTHING = "–"


def text(value: object) -> str:
    """Return a value as it is."""
    return NOTHING if value is None else str(value)


def number(value: object) -> str:
    """Return three significant digits, thousands grouped."""
    if not isinstance(value, int | float):
        return NOTHING
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def tiny(value: object) -> str:
    """Return an error: 0, or two digits with an exponent."""
    if not isinstance(value, int | float):
        return NOTHING
    return "0" if value == 0 else f"{value:.1e}"


def percent(value: object) -> str:
    """Return a share as a percentage."""
    return f"{value * 100:.0f} %" if isinstance(value, int | float) else NOTHING


class Column(msgspec.Struct, frozen=True):
    """A heading, where its value stands in a row, and how it is written."""

    heading: str
    key: str
    format: Format = number


class Table(msgspec.Struct, frozen=True):
    """A section: the result it shows, what was done, and one table per value of `by`."""

    result: str
    title: str
    intro: str
    columns: tuple[Column, ...]
    by: tuple[str, ...]
    plot: str | None = None


QUANTILES = (Column("p50", "p50_us"), Column("p90", "p90_us"), Column("p99", "p99_us"),
             Column("p99.9", "p999_us"))  # fmt: skip
LADDER = Table(
    "ladder",
    "One applicant, in process",
    "From a row of numbers (for the first: a dict, as it comes out of JSON) to a probability, in "
    "microseconds. Each engine has a process of its own; engines take turns, round by round; every "
    "row is timed once. Compared with LightGBM bit for bit: on ordinary rows, and on rows with one "
    "value exactly on a split of the model, which is where single precision goes wrong.",
    (
        Column("", "label", text), *QUANTILES, Column("p50 spread", "spread", percent),
        Column("load ms", "load_ms"), Column("file kB", "size_kb"), Column("PSS MiB", "pss_mib"),
        Column("peak MiB", "peak_mib"), Column("rows with other bits", "different"),
        Column("largest error", "largest_error", tiny), Column("flips", "flips"),
        Column("error on splits", "largest_error_on_thresholds", tiny),
        Column("flips on splits", "flips_on_thresholds"), Column("samples", "samples"),
    ),
    ("model",),
    "ladder",
)  # fmt: skip
STAGES = Table(
    "stages",
    "The budget of one request",
    "The server's own parts in the order it calls them, with a clock between them, in "
    "microseconds, JSON, record on. `whole request` is the server's `/score` callable on the same "
    "applicants, in turn with the stages; HTTP itself is not in it.",
    (Column("stage", "stage", text), *QUANTILES, Column("samples", "samples")),
    ("model",),
)
SATURATION = Table(
    "saturation",
    "Over HTTP: saturation",
    "One worker on one core, the generator on another, a closed loop. All servers stand at once "
    "and take turns. `CPU us` is the processor time of the server and its children per answer. "
    "Latencies here count from the real send time, so they hide queueing; those of the next "
    "section do not. Failed are answers other than 200, among them the 503 with which this server "
    "refuses what would wait behind 64 others.",
    (
        Column("", "label", text), Column("answers/s", "per_second"),
        Column("spread", "spread", percent), Column("CPU us", "cpu_us"), Column("p50 us", "p50_us"),
        Column("p99 us", "p99_us"), Column("failed", "failed"), Column("samples", "samples"),
        Column("PSS MiB", "memory_mib"), Column("start s", "start_s"),
    ),
    ("model", "connections"),
    "saturation",
)  # fmt: skip
LATENCY = Table(
    "latency",
    "Over HTTP: latency under open load",
    "Requests arrive as a Poisson process at a share of each server's own capacity, whether or not "
    "earlier ones were answered; latency, in microseconds, counts from the moment a request was "
    "meant to leave, so it holds how late the generator was, which is told. What failed or was "
    "never answered is counted.",
    (
        Column("", "label", text), Column("offered/s", "offered"), *QUANTILES,
        Column("failed", "failed"), Column("samples", "samples"),
        Column("generator late, p99", "late_p99_us"),
    ),
    ("model", "share"),
    "latency",
)  # fmt: skip
TABLES = (LADDER, STAGES, SATURATION, LATENCY)


def groups(table: Table, rows: list[Row]) -> dict[str, list[Row]]:
    """Return the rows of each sub-table under its heading, in the order they were measured."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if "error" not in row:
            found.setdefault(heading(table, row), []).append(row)
    return found


def heading(table: Table, row: Row) -> str:
    """Return what distinguishes a sub-table: model, connections, share of capacity."""
    words = {"model": "{} (trees x leaves)", "connections": "{} connections",
             "share": "{:.0%} of capacity"}  # fmt: skip
    return ", ".join(words[name].format(row[name]) for name in table.by)
