"""A summary for the terminal: the verdict, refusals, the score, and columns by concern."""

from collections.abc import Iterator

from ..markup import visible
from ..rows.near_names import NearNames
from ..wording import numbered
from .result import ColumnDrift, Drift, Trend, Window
from .verdict import said_of_refused

TOP = 12
LAST = 7
AGAINST = {"training": "its reference", "previous": "the window before", "file": "the file"}
PASSED_OVER = {"refused": "refused with a status other than 422"}
SIGNS = {"stable": "STABLE", "drift": "DRIFT", "unknown": "CANNOT TELL"}


def to_text(drift: Drift) -> str:
    """Return the summary, about twenty lines at most."""
    said = (f"note: {note}" for note in notes(drift))
    parts = (_head(drift), _outcome(drift), _columns(drift), _trend(drift.trend), said)
    return "\n".join(visible(line) for part in parts for line in part)


def _head(drift: Drift) -> Iterator[str]:
    level = f" ({drift.level})" if drift.level != "none" else ""
    model = f"{drift.model.name} {drift.model.version}".strip()
    against = AGAINST[drift.baseline]
    yield f"{SIGNS[drift.status]}{level}  {model}, against {against}"
    days = f", {days_of(drift.window)}" if drift.window.first else ""
    yield f"{drift.rows.current:,} rows{days}; reference {drift.rows.reference:,} rows"
    if not drift.enough:
        yield from drift.reasons


def _outcome(drift: Drift) -> Iterator[str]:
    if drift.refused and drift.refused.requests and (drift.enough or not drift.refused.drifted):
        yield f"{said_of_refused(drift.refused)}  {sign(drift, drift.refused.drifted)}"
    if drift.score:
        yield f"score  PSI {drift.score.psi:.3f}  {sign(drift, drift.score.drifted)}"
    for one in drift.decisions:
        moved = f"{one.share.reference:6.1%} -> {one.share.current:6.1%}"
        yield f"{one.decision:<8} {moved}  {sign(drift, one.share.drifted)}"


def days_of(window: Window) -> str:
    """Return the days found, as one day or a range."""
    return window.first if window.first == window.last else f"{window.first} to {window.last}"


def sign(drift: Drift, drifted: bool) -> str:
    """Return the result of one comparison in words."""
    if not drift.enough:
        return "too few rows"
    return "DRIFTED" if drifted else "steady"


def _columns(drift: Drift) -> Iterator[str]:
    if not drift.enough:
        return
    drifted = [column for column in drift.columns if column.drifted]
    yield f"{len(drifted)} of {len(drift.columns)} columns drifted"
    absent = {column.name for column in drifted if column.absent}
    meant = NearNames(absent).meant(drift.unknown_columns, absent, len(drift.unknown_columns))
    width = max((len(column.name) for column in drifted[:TOP]), default=0)
    for column in drifted[:TOP]:
        yield f"  {column.name:<{width}}  {column.band:<8}  {_said(column, meant)}"
    if len(drifted) > TOP:
        yield f"  and {len(drifted) - TOP} more in drift.json"


def _said(column: ColumnDrift, meant: dict[str, str]) -> str:
    said = "missing in the current rows" if column.absent else "; ".join(column.reasons)
    said += f": is it {meant[column.name]} there?" if column.name in meant else ""
    return said if column.used else f"{said}; the model does not use it"


def _trend(trend: Trend | None) -> Iterator[str]:
    """Show the last periods side by side: rows and score PSI."""
    periods = trend.periods[-LAST:] if trend else []
    if trend is None or len(periods) < 2:
        return
    rows = {
        trend.by: [period.start[5:].replace("T", " ") for period in periods],
        "rows": [f"{period.rows:,}" for period in periods],
        "score PSI": ["" if p.score_psi is None else f"{p.score_psi:.3f}" for p in periods],
    }
    for name, cells in rows.items():
        if any(cells):
            yield f"{name:<9}" + "".join(f"{cell:>10}" for cell in cells)


def notes(drift: Drift) -> list[str]:
    """Return remarks about unknown columns and records passed over, and the run's notes."""
    unknown = drift.unknown_columns
    said = [f"not in the reference: {', '.join(unknown[:5])}"] if unknown else []
    passed = [
        f"{numbered(n, 'record')} passed over: {PASSED_OVER.get(why, why)}"
        for why, n in drift.rows.passed_over.items()
    ]
    return [*said, *passed, *drift.notes]
