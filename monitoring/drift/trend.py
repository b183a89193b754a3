"""The window day by day or week by week: a trend a person can see, not one number."""

from collections.abc import Iterable
from datetime import date, timedelta

from ..rows.reference import Reference
from ..rows.tally import Tally, total
from . import statistics
from .result import Period, Settings, Trend
from .verdict import tests

DAY, WEEK = "day", "week"
MOST_PERIODS = 400


def periods(days: dict[str, Tally], by: str, reference: Reference) -> dict[str, Tally]:
    """Add the tallies of days up to days or ISO weeks, in order; a week is named by its Monday."""
    groups: dict[str, list[Tally]] = {start: [] for start in _starts(days, by)}
    for day in sorted(days):
        groups[day if by == DAY else monday(day)].append(days[day])
    return {
        start: total(tallies, reference.columns, reference.score_edges)
        for start, tallies in groups.items()
    }


def _starts(days: Iterable[str], by: str) -> list[str]:
    """Return every period from the first to the last: one without a row says the most of all."""
    held = sorted({day if by == DAY else monday(day) for day in days})
    first, last = date.fromisoformat(held[0]), date.fromisoformat(held[-1])
    step = 1 if by == DAY else 7
    if (last - first).days // step > MOST_PERIODS:
        return held  # a stray date is no reason for ten thousand empty days
    return [(first + timedelta(i)).isoformat() for i in range(0, (last - first).days + 1, step)]


def monday(day: str) -> str:
    """Return the Monday of the week of an ISO day."""
    when = date.fromisoformat(day)
    return (when - timedelta(days=when.weekday())).isoformat()


def trend(days: dict[str, Tally], by: str, reference: Reference, settings: Settings) -> Trend:
    """Compare each period with the reference."""
    tallies = periods(days, by, reference)
    found = Trend(by, [], {}, {})
    for start, tally in tallies.items():
        found.periods.append(_period(start, tally, reference, settings))
        _append(found, tally, reference, settings)
    return found


def _period(start: str, tally: Tally, reference: Reference, settings: Settings) -> Period:
    psi = critical = None
    if tally.scored >= settings.min_rows and reference.tally.scored:
        alpha = settings.alpha / tests(reference.columns)
        score = statistics.distance(reference.tally.scores, tally.scores, alpha)
        psi, critical = score.psi, score.critical
    decided = sum(tally.decisions.values())
    shares = {name: rows / decided for name, rows in sorted(tally.decisions.items())}
    return Period(start, tally.rows, psi, critical, shares)


def _append(found: Trend, tally: Tally, reference: Reference, settings: Settings) -> None:
    enough = tally.rows >= settings.min_rows
    triples = zip(reference.columns, reference.tally.columns, tally.columns, strict=True)
    for column, before, now in triples:
        psi = statistics.distance(before.bins, now.bins, 0.5).psi if enough else None
        found.psi.setdefault(column.name, []).append(psi)
        missing = now.missing / now.rows if now.rows else None
        found.missing.setdefault(column.name, []).append(missing)
