"""The verdict: compare every column, the score and the decisions, and name the worst first."""

from collections.abc import Sequence

from ..rows.columns import Column
from ..rows.reference import Reference
from ..rows.refused import RefusedTally
from ..rows.tally import Tally
from .compare import compare_column, compare_counts, compare_decisions
from .refused import judge
from .result import (
    BANDS,
    DRIFT,
    STABLE,
    UNKNOWN,
    Bins,
    ColumnDrift,
    Compared,
    Decision,
    Refused,
    Settings,
)

QUESTIONS, QUESTIONS_OF_OUTCOME = 4, 5


class Verdict:
    """The comparison of one tally with the reference."""

    def __init__(
        self,
        reference: Reference,
        current: Tally,
        settings: Settings,
        refused: RefusedTally | None = None,
    ) -> None:
        self.settings = settings
        self.reference, self.current = reference.tally, current
        alpha = settings.alpha / tests(reference.columns)
        self.columns = sorted(self._columns(reference.columns, alpha), key=concern)
        self.score = self._score(reference, alpha)
        self.decisions = compare_decisions(
            self.reference.decisions, current.decisions, alpha, settings
        )
        rows = self.reference.rows
        self.refused = judge(refused, rows, alpha, settings) if refused else None
        self.enough = min(rows, current.rows) >= settings.min_rows
        if self.enough and sum(current.decisions.values()) < settings.min_rows:
            self.decisions = []  # just after a change of the policy
        self.status = self._status()
        self.level = max(self._bands(), key=BANDS.index) if self.status == DRIFT else BANDS[0]

    def _columns(self, columns: Sequence[Column], alpha: float) -> list[ColumnDrift]:
        triples = zip(columns, self.reference.columns, self.current.columns, strict=True)
        return [compare_column(*triple, alpha, self.settings) for triple in triples]

    def _score(self, reference: Reference, alpha: float) -> Compared | None:
        if not self.reference.scored or not self.current.scored:
            return None
        before, now = self.reference.scores, self.current.scores
        bins = Bins(before.tolist(), now.tolist(), reference.score_edges.tolist())
        return compare_counts((before, now), bins, alpha, self.settings, len(before))

    def _bands(self) -> list[str]:
        refused = [BANDS[0], *([self.refused.band] if self.refused else [])]
        if not self.enough:
            return refused
        decisions = (BANDS[1] for decision in self.decisions if decision.share.drifted)
        score = [self.score.band] if self.score else []
        return [*refused, *decisions, *score, *(column.band for column in self.columns)]

    def _status(self) -> str:
        if any(band != BANDS[0] for band in self._bands()):
            return DRIFT
        return STABLE if self.enough else UNKNOWN

    def reasons(self) -> list[str]:
        """Explain the status in a few lines."""
        refused = [said_of_refused(self.refused)] if self.refused and self.refused.drifted else []
        if not self.enough:
            return [
                *refused,
                f"wanted {self.settings.min_rows} rows on each side, got"
                f" {self.current.rows} against a reference of {self.reference.rows}",
            ]
        drifted = [column for column in self.columns if column.drifted]
        said = [f"{column.name}: {'; '.join(column.reasons)}" for column in drifted]
        return [*refused, *_said_of_score(self.score), *_said_of_decisions(self.decisions), *said]


def tests(columns: Sequence[Column]) -> int:
    """Return the number of tests in a run: four for each column, and those of score and
    decisions.
    """
    return QUESTIONS * len(columns) + QUESTIONS_OF_OUTCOME


def concern(column: ColumnDrift) -> tuple[bool, int, bool, float, float]:
    """Sort key: larger bands first; within a band, what moves the score most, by importance."""
    return (
        not column.drifted,
        -BANDS.index(column.band),
        not column.used,
        -column.concern,
        -column.psi,
    )


def said_of_refused(refused: Refused) -> str:
    """Describe how many requests were refused, and for which features."""
    most = ", ".join(f"{name or 'body'} {n:,}" for name, n in list(refused.features.items())[:3])
    whole = f"{refused.requests:,} of {refused.asked:,} requests refused ({refused.share:.1%})"
    return f"{whole}: {most}" if most else whole


def _said_of_score(score: Compared | None) -> list[str]:
    return [f"score: PSI {score.psi:.3f} ({score.band})"] if score and score.drifted else []


def _said_of_decisions(decisions: list[Decision]) -> list[str]:
    return [
        f"{one.decision}: {one.share.reference:.1%} -> {one.share.current:.1%}"
        for one in decisions
        if one.share.drifted
    ]
