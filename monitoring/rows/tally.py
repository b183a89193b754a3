"""All counts of some rows, made in one pass; tallies of blocks, segments and days can be added."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .block import Block
from .columns import Column, Counts, Floats, Ints, count


@dataclass
class Tally:
    """Counts of each column, of the score's bins and of the decisions, over `rows` rows."""

    columns: list[Counts]
    scores: Ints
    decisions: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    scored: int = 0

    def add(self, other: "Tally") -> None:
        """Add the tally of other rows."""
        for mine, theirs in zip(self.columns, other.columns, strict=True):
            mine.add(theirs)
        self.scores = self.scores + other.scores
        self.decisions += other.decisions
        self.rows += other.rows
        self.scored += other.scored


def empty(columns: Sequence[Column], score_edges: Floats) -> Tally:
    """Return the tally of no rows."""
    return Tally(
        [Counts(np.zeros(column.size, np.int64)) for column in columns],
        np.zeros(len(score_edges) + 1, np.int64),
    )


def tally(columns: Sequence[Column], score_edges: Floats, block: Block) -> Tally:
    """Count one block of rows."""
    return Tally(
        [count(c, v) for c, v in zip(columns, block.values, strict=True)],
        count_scores(score_edges, block.scores),
        Counter(filter(None, block.decisions)),
        block.rows,
        0 if block.scores is None else int(np.count_nonzero(~np.isnan(block.scores))),
    )


def count_scores(edges: Floats, scores: Floats | None) -> Ints:
    """Return how many scores [n] fall into each of the K bins between K - 1 edges; NaN into
    none.
    """
    if scores is None:
        return np.zeros(len(edges) + 1, np.int64)
    where = np.searchsorted(edges, scores[~np.isnan(scores)], side="right")
    return np.bincount(where, minlength=len(edges) + 1).astype(np.int64)


def total(tallies: Iterable[Tally], columns: Sequence[Column], score_edges: Floats) -> Tally:
    """Return the sum of tallies."""
    everything = empty(columns, score_edges)
    for one in tallies:
        everything.add(one)
    return everything
