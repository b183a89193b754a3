"""One drift run: count the current rows once, compare them, and return the result."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from tqdm import tqdm

from ..bundle.manifest import Rule
from ..rows.block import Block
from ..rows.errors import DriftError
from ..rows.labels import Labels
from ..rows.reference import Reference
from ..rows.refused import RefusedTally
from ..rows.tally import Tally, tally, total
from .choices import DAY, TRAINING
from .result import SCHEMA_VERSION, Drift, Model, Rows, Settings, Window
from .trend import by_day, day_of, enter, trend
from .verdict import Verdict


class Source(Protocol):
    """Current rows: a file (tables.Table) or a log (records.Log)."""

    unknown: list[str]
    absent: list[str]
    labels: Labels | None

    @property
    def refused(self) -> RefusedTally | None:
        """The refused requests; None if unknown."""

    def blocks(self) -> Iterable[Block]:
        """Yield the rows."""


class Observer(Protocol):
    """Something that also looks at every row in the same pass: a sample, or the outcomes."""

    def offer(self, block: Block) -> None:
        """Look at the rows of a block."""


def count(
    source: Source, reference: Reference, observers: Sequence[Observer] = ()
) -> dict[str, Tally]:
    """Count every row once, by day; by hour if all rows are of one day and of several hours.

    The keys are ISO days or hours, or "" if the rows carry no time.
    """
    counted: dict[str, Tally] = {}
    with tqdm(desc="rows counted", unit=" rows", unit_scale=True, disable=None) as bar:
        for block in source.blocks():
            for observer in observers:
                observer.offer(block)
            one_day = len({*map(day_of, counted), *_days(block)}) == 1
            if not one_day:
                counted = by_day(counted)
            for moment, rows in block.by_hour() if one_day else block.by_day():
                enter(counted, moment, tally(reference.columns, reference.score_edges, rows))
            bar.update(block.rows)
    return counted if len(counted) > 1 else by_day(counted)


def _days(block: Block) -> list[str]:
    return [""] if block.days is None else list(map(str, np.unique(block.days)))


def drift(
    reference: Reference,
    days: dict[str, Tally],
    settings: Settings | None = None,
    *,
    baseline: str = TRAINING,
    by: str = DAY,
    window: tuple[str | None, str | None] = (None, None),
    source: Source | None = None,
) -> Drift:
    """Compare the counted days with the reference and return the result."""
    settings = settings or Settings()
    current = total(days.values(), reference.columns, reference.score_edges)
    verdict = Verdict(reference, current, settings, source.refused if source else None)
    absent = set(source.absent if source else [])
    for column in verdict.columns:
        column.absent = column.name in absent
    dated = {day: counted for day, counted in days.items() if day}
    return Drift(
        schema_version=SCHEMA_VERSION,
        status=verdict.status,
        level=verdict.level,
        reasons=verdict.reasons(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        baseline=baseline,
        model=Model(reference.model, reference.version, reference.sha256),
        window=Window(*window, *(day_of(end(dated, default="")) for end in (min, max))),
        rows=Rows(reference.tally.rows, current.rows, dict(getattr(source, "passed_over", {}))),
        settings=settings,
        score=verdict.score,
        decisions=verdict.decisions,
        columns=verdict.columns,
        unknown_columns=[
            n for n in (source.unknown if source else []) if n not in reference.left_out
        ],
        trend=trend(dated, by, reference, settings) if dated else None,
        notes=[*reference.notes, *_of_other_policies(getattr(source, "other_policies", {}))],
        refused=verdict.refused,
        policy=_rule(reference),
    )


def _rule(reference: Reference) -> Rule | None:
    policy = reference.policy
    return Rule(policy.version, policy.refuse_at, policy.refer_from) if policy else None


def _of_other_policies(counts: dict[str, int]) -> list[str]:
    """Note decisions made under other policies, which would make shares look like drift."""
    named = ", ".join(f"{count:,} by {policy}" for policy, count in sorted(counts.items()))
    return (
        [f"decided under another policy than the bundle's, left out of the shares: {named}"]
        if counts
        else []
    )


def previous_window(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return the window of the same length that ends where this one begins. Raises DriftError."""
    try:
        return since - (until - since), since
    except OverflowError:
        raise DriftError(
            "--baseline previous: the previous window begins before the year 1"
        ) from None
