"""A bounded sample of the rows, stratified by score band, for the report.

The verdict counts every row; a report with plots cannot. Each row draws a random key and each
stratum keeps its smallest keys, so one pass over any number of rows is enough. The strata are then
cut to their share of all rows, so that the sample has the same score distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .block import Block
from .columns import Floats, Ints

SEED = 20260101


@dataclass
class Sample:
    """At most `size` of all rows offered; `seen` [strata] counts the rows offered per score
    band.
    """

    size: int
    score_edges: Floats
    seen: Ints = field(init=False)

    def __post_init__(self) -> None:
        strata = len(self.score_edges) + 1
        self.seen = np.zeros(strata, np.int64)
        self._kept: list[list[tuple[Floats, Block]]] = [[] for _ in range(strata)]
        self._random = np.random.default_rng(SEED)

    def offer(self, block: Block) -> None:
        """Consider the rows of a block."""
        bands = np.zeros(block.rows, np.int64)
        if block.scores is not None and len(block.scores) == block.rows:
            bands = np.searchsorted(self.score_edges, block.scores, side="right")
        keys = self._random.random(block.rows)
        for band in np.unique(bands):
            rows = np.nonzero(bands == band)[0]
            self.seen[band] += len(rows)
            rows = rows[np.argsort(keys[rows])[: self.size]]
            self._keep(int(band), keys[rows], block.take(rows))

    def _keep(self, band: int, keys: Floats, block: Block) -> None:
        kept = self._kept[band]
        kept.append((keys, block))
        if sum(len(keys) for keys, _ in kept) > 2 * self.size:
            self._kept[band] = [_smallest(kept, self.size)]

    def rows(self) -> Block:
        """Return the sample; at least one row must have been offered."""
        total = int(self.seen.sum())
        quotas = [round(int(n) * min(1.0, self.size / max(total, 1))) for n in self.seen]
        chosen = [_smallest(kept, n)[1] for kept, n in zip(self._kept, quotas, strict=True) if kept]
        return join(chosen)


def _smallest(kept: list[tuple[Floats, Block]], size: int) -> tuple[Floats, Block]:
    keys = np.concatenate([keys for keys, _ in kept])
    order = np.argsort(keys)[:size]
    return keys[order], join([block for _, block in kept]).take(order)


def join(blocks: list[Block]) -> Block:
    """Return blocks of one source as one; needs at least one block."""
    return Block(
        sum(block.rows for block in blocks),
        [np.concatenate(column) for column in zip(*(b.values for b in blocks), strict=True)],
        _joined([block.hours for block in blocks]),
        _joined([block.scores for block in blocks]),
        [decision for block in blocks for decision in block.decisions],
        _joined([block.labels for block in blocks]),
    )


def _joined(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    held = [part for part in parts if part is not None]
    return np.concatenate(held) if len(held) == len(parts) else None
