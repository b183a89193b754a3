"""A block of rows in memory, column by column, as every source of current rows yields them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .columns import Floats


@dataclass
class Block:
    """Rows of one source.

    `values`: one vector [rows] per column; a category as its label's position.

    `hours` [rows] is datetime64[h], None if the rows carry no time. `scores` [rows] is NaN where a
    row has none. `decisions` [rows] is empty, or "" where a row has none. `labels` [rows] is the
    outcome, 0 or 1, NaN while it is unknown.
    """

    rows: int
    values: Sequence[Floats]
    hours: NDArray[np.datetime64] | None = None
    scores: Floats | None = None
    decisions: list[str] = field(default_factory=list)
    labels: Floats | None = None

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Block":
        """Return the chosen rows, given as a mask [rows] or as positions."""
        rows = np.arange(self.rows)[chosen]
        return Block(
            len(rows),
            [values[rows] for values in self.values],
            None if self.hours is None else self.hours[rows],
            None if self.scores is None else self.scores[rows],
            [self.decisions[i] for i in rows] if self.decisions else [],
            None if self.labels is None else self.labels[rows],
        )

    def scored(self) -> "Block":
        """Return the rows that have a score."""
        if self.scores is None:
            return self.take(np.zeros(self.rows, np.bool_))
        held = ~np.isnan(self.scores)
        return self if held.all() else self.take(held)

    @property
    def days(self) -> NDArray[np.datetime64] | None:
        """Return the day of each row [rows], datetime64[D]."""
        return None if self.hours is None else self.hours.astype("datetime64[D]")

    def by_day(self) -> Iterator[tuple[str, "Block"]]:
        """Yield (ISO day, rows of that day); the day is "" if the rows carry no time."""
        return self._by(self.days)

    def by_hour(self) -> Iterator[tuple[str, "Block"]]:
        """Yield (ISO day and hour, rows of that hour); as `by_day`."""
        return self._by(self.hours)

    def _by(self, times: NDArray[np.datetime64] | None) -> Iterator[tuple[str, "Block"]]:
        if times is None:
            yield "", self
            return
        found = np.unique(times)
        for time in found:
            yield str(time), self if len(found) == 1 else self.take(times == time)
