"""The window by hour, day or week, to show when something changed."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from ..rows.reference import Reference
from ..rows.tally import Tally, total
from . import statistics
from .choices import DAY, HOUR, WEEK
from .result import Period, Settings, Trend
from .verdict import tests

STEPS = {HOUR: timedelta(hours=1), DAY: timedelta(days=1), WEEK: timedelta(weeks=1)}
MOST_PERIODS = 400
DAY_LENGTH = len("2026-11-28")


def day_of(moment: str) -> str:
    """Return the day of an ISO day or hour."""
    return moment[:DAY_LENGTH]


def by_day(counted: dict[str, Tally]) -> dict[str, Tally]:
    """Add up tallies of hours into days; tallies of days stay unchanged."""
    days: dict[str, Tally] = {}
    for moment, tally in counted.items():
        enter(days, day_of(moment), tally)
    return days


def enter(tallies: dict[str, Tally], moment: str, tally: Tally) -> None:
    """Add a tally to that of its hour or day."""
    if moment in tallies:
        tallies[moment].add(tally)
    else:
        tallies[moment] = tally


def periods(counted: dict[str, Tally], by: str, reference: Reference) -> dict[str, Tally]:
    """Add up tallies into periods, in order; a week is named by its Monday."""
    groups: dict[str, list[Tally]] = {start: [] for start in _starts(counted, by)}
    for moment in sorted(counted):
        groups[monday(moment) if by == WEEK else moment].append(counted[moment])
    return {
        start: total(tallies, reference.columns, reference.score_edges)
        for start, tallies in groups.items()
    }


def _starts(moments: Iterable[str], by: str) -> list[str]:
    """Return every period from the first to the last; periods without rows matter most."""
    held = sorted({monday(moment) if by == WEEK else moment for moment in moments})
    first, last = datetime.fromisoformat(held[0]), datetime.fromisoformat(held[-1])
    count = (last - first) // STEPS[by]
    if count > MOST_PERIODS:
        return held  # one stray date must not create ten thousand empty days
    starts = (first + i * STEPS[by] for i in range(count + 1))
    return [start.isoformat(timespec="hours")[: len(held[0])] for start in starts]


def monday(day: str) -> str:
    """Return the Monday of the week of an ISO day."""
    when = date.fromisoformat(day)
    return (when - timedelta(days=when.weekday())).isoformat()


def trend(counted: dict[str, Tally], by: str, reference: Reference, settings: Settings) -> Trend:
    """Compare each period with the reference; a single day hour by hour, if the rows have times."""
    by = HOUR if by == DAY and any(moment != day_of(moment) for moment in counted) else by
    tallies = periods(counted if by == HOUR else by_day(counted), by, reference)
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
