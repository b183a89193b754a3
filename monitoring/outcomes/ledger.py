"""Collect the scores and outcomes of a run, then judge the score by them."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np

from ..bundle.manifest import Policy
from ..drift.choices import DAY
from ..drift.trend import monday
from ..rows.block import Block
from ..rows.columns import Floats
from ..rows.labels import Labels
from ..rows.reference import Reference
from .quality import quality, weighted, wilson
from .result import Cost, Outcomes, PeriodQuality, ScoreBand

REFUSE = "refuse"
CENSORED = (
    "Refused applicants have no outcome: bad rates and discrimination are those of the approved"
    " and say nothing about the {refused:,} refused."
)
PARTLY = (
    "{known:,} of the {refused:,} refused have an outcome and count like the approved; nothing is"
    " known about the others."
)
YOUNG = "{young:,} of the {others:,} {who} have no outcome yet: late defaults are still to come."
REPEATED = "{records} records share the request id of another: its outcome is counted for each."


class Ledger:
    """Scores and outcomes of a run's rows. `edges` are the score bands of the reference."""

    def __init__(self, edges: Floats, by: str) -> None:
        self.edges, self.by = edges, by
        self._scores: list[Floats] = []
        self._labels: list[Floats] = []
        self._periods: list[str] = []
        self._decisions: list[str] = []
        self._scored_by_period: Counter[str] = Counter()
        self._scored_by_decision: Counter[str] = Counter()
        self._scored_by_band = np.zeros(len(edges) + 1, np.int64)

    def offer(self, block: Block) -> None:
        """Add the rows of a block."""
        block = block.scored()
        if block.scores is None:
            return
        bands = np.searchsorted(self.edges, block.scores, side="right")
        self._scored_by_band += np.bincount(bands, minlength=len(self.edges) + 1)
        self._scored_by_decision.update(filter(None, block.decisions))
        labels = np.full(block.rows, np.nan) if block.labels is None else block.labels
        for day, rows in block.by_day():
            period = monday(day) if day and self.by != DAY else day
            self._scored_by_period[period] += rows.rows
        known = np.nonzero(~np.isnan(labels))[0]
        chosen = block.take(known)
        self._scores.append(block.scores[known])
        self._labels.append(labels[known])
        self._decisions += chosen.decisions
        self._periods += self._periods_of(chosen)

    def _periods_of(self, block: Block) -> list[str]:
        if block.days is None:
            return [""] * block.rows
        days = map(str, block.days)
        return list(days) if self.by == DAY else [monday(day) for day in days]

    def judge(self, reference: Reference, given: Labels | None) -> Outcomes:
        """Return the result; outcomes in `given` that found no row are counted as unmatched."""
        scores, labels = _joined(self._scores), _joined(self._labels)
        scored = int(self._scored_by_band.sum())
        decided = Counter(self._decisions)
        return Outcomes(
            schema_version=1,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            model=reference.model,
            version=reference.version,
            scored=scored,
            labelled=len(labels),
            unmatched=given.unmatched if given else 0,
            labelled_by_decision={
                name: (decided[name], n) for name, n in sorted(self._scored_by_decision.items())
            },
            quality=quality(scores, labels),
            bands=self._bands(scores, labels),
            cost=cost(scores, labels, reference.policy) if reference.policy else None,
            by=self.by,
            periods=self._by_period(scores, labels),
            notes=[*self._unknown(len(labels), decided), *_repeated(given)],
        )

    def _unknown(self, labelled: int, known: Counter[str]) -> list[str]:
        """Explain which outcomes are unknown: the refused have none, others may get one later."""
        refused = self._scored_by_decision[REFUSE]
        others = int(self._scored_by_band.sum()) - refused
        young = others - (labelled - known[REFUSE])
        said = []
        if refused > known[REFUSE]:
            note = PARTLY if known[REFUSE] else CENSORED
            said.append(note.format(known=known[REFUSE], refused=refused))
        if young:
            who = "not refused" if refused else "scored"
            said.append(YOUNG.format(young=young, others=others, who=who))
        return said

    def _bands(self, scores: Floats, labels: Floats) -> list[ScoreBand]:
        which = np.searchsorted(self.edges, scores, side="right")
        ends = [None, *self.edges.tolist(), None]
        found = []
        for i, scored in enumerate(self._scored_by_band.tolist()):
            inside = which == i
            rows, bad = int(inside.sum()), int(labels[inside].sum())
            expected = float(scores[inside].mean()) if rows else None
            rate = wilson(bad, rows) if rows else None
            found.append(ScoreBand(ends[i], ends[i + 1], scored, rows, bad, expected, rate))
        return found

    def _by_period(self, scores: Floats, labels: Floats) -> list[PeriodQuality]:
        periods = np.array(self._periods, dtype="U10")
        return [
            PeriodQuality(
                start, scored, quality(scores[periods == start], labels[periods == start])
            )
            for start, scored in sorted(self._scored_by_period.items())
            if start
        ]


def _repeated(given: Labels | None) -> list[str]:
    return [REPEATED.format(records=given.repeated)] if given and given.repeated else []


def cost(scores: Floats, labels: Floats, policy: Policy) -> Cost | None:
    """Return what deciding at the policy's threshold cost; None if the policy names no costs."""
    fn, fp = policy.chosen.get("cost_fn"), policy.chosen.get("cost_fp")
    if not isinstance(fn, int | float) or not isinstance(fp, int | float) or not len(labels):
        return None
    refused = scores >= policy.refuse_at
    approved_bad, refused_good = ~refused & (labels == 1), refused & (labels == 0)
    counts = int(approved_bad.sum()), int(refused_good.sum())
    each = weighted([(fn, counts[0]), (fp, counts[1])], len(labels))
    return Cost(policy.refuse_at, float(fn), float(fp), len(labels), *counts, each)


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.array([])
