"""The window day by day or week by week: a trend a person can see, not one number."""

from datetime import date, timedelta

from . import statistics
from .reference import Reference
from .result import Period, Settings, Trend
from .tally import Tally, total
from .verdict import tests

DAY, WEEK = "day", "week"


def periods(days: dict[str, Tally], by: str, reference: Reference) -> dict[str, Tally]:
    """Add the tallies of days up to days or ISO weeks, in order; a week is named by its Monday."""
    groups: dict[str, list[Tally]] = {}
    for day in sorted(days):
        start = day if by == DAY else monday(day)
        groups.setdefault(start, []).append(days[day])
    return {
        start: total(tallies, reference.columns, reference.score_edges)
        for start, tallies in groups.items()
    }


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
