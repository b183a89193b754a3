"""What each feature contributes to a raw score, in numpy: the server's C in the same operations.

Path-dependent SHAP values (Lundberg et al., Nature Machine Intelligence 2020) by quadrature; the
method stands at the head of server/engine/native/contributions.c. Each operation and each sum is
taken in that order, so that both give the same bits: the golden rows hold the server to it.
monitoring/ reads it through a link, to explain a record again.
"""

from collections.abc import Sequence

import numpy as np

from .forest import Bools, Ensemble, Floats, Ints
from .gauss_legendre import rule
from .paths import Paths, Split, decided, paths_of, sets_of

CELLS = 4_000_000
MOST_ROWS = 512  # at once: what one split takes then stays in the processor's cache


class Quadrature:
    """Explains rows.

    `counts` are the training rows in every leaf of `ensemble`; `columns` says for each feature of
    the trees in which of `width` columns it is answered.
    """

    def __init__(
        self, ensemble: Ensemble, counts: Ints, columns: Sequence[int], width: int, divide_by: float
    ) -> None:
        self.width = width
        self._ensemble, self._columns, self._divide_by = ensemble, columns, divide_by
        self._sets = sets_of(ensemble)
        trees = [paths_of(ensemble, tree, counts) for tree in range(ensemble.trees)]
        self._groups: dict[int, list[Paths]] = {}
        self._expected = np.zeros(ensemble.outputs)
        for tree in trees:
            self._groups.setdefault(tree.points, []).append(tree)
            self._expected[tree.output] += tree.expected

    def contributions(self, rows: Floats) -> Floats:
        """Return [N, K, width + 1] for rows [N, F] as the trees see them, the expectation last."""
        each = self._ensemble.outputs * self.width * max(self._groups)
        step = min(max(CELLS // each, 1), MOST_ROWS)
        parts = [self._explain(rows[at : at + step]) for at in range(0, len(rows), step)]
        return np.concatenate(parts)

    def _explain(self, rows: Floats) -> Floats:
        out = np.zeros((self._ensemble.outputs, self.width + 1, len(rows)))
        for points in sorted(self._groups):
            t, weight = rule(points)
            phi = np.zeros((self._ensemble.outputs, self.width, points, len(rows)))
            for tree in self._groups[points]:
                self._add(tree, rows, t[:, None], phi[tree.output])
            total = np.zeros((*phi.shape[:2], len(rows)))
            for p, omega in enumerate(weight / (1.0 - t)):
                total += phi[:, :, p] * omega
            out[:, :-1] += total
        out[:, -1] = self._expected[:, None]
        return np.ascontiguousarray(np.moveaxis(out, 2, 0)) / self._divide_by

    def _add(self, tree: Paths, rows: Floats, t: Floats, phi: Floats) -> None:
        """Add a tree's part to phi [width, points, N], at the points t [points, 1]."""
        walk = Walk(tree, [decided(self._ensemble, self._sets, s, rows) for s in tree.splits], t)
        pairs = [k for k, split in enumerate(tree.splits) if split.is_pair]
        inner = [k for k, split in enumerate(tree.splits) if not split.is_pair]
        for k in range(len(tree.splits)):
            walk.down(k)
        for k in (*pairs, *reversed(inner)):
            phi[self._columns[tree.splits[k].feature]] += walk.up(k)


class Walk:
    """One tree's way down and up, for N rows and all points at once: arrays [points, N].

    `yes` says for every split which rows go to yes.
    """

    def __init__(self, tree: Paths, yes: list[Bools], t: Floats) -> None:
        self._tree, self._yes, self._t = tree, yes, t
        self._met: list[Bools] = []
        self._ratio: list[Floats] = []
        self._product = [np.ones((len(t), len(yes[0])))] * len(yes)
        self._value: list[Floats] = [np.zeros(0)] * len(yes)

    def down(self, k: int) -> None:
        """Split the product of the path's factors among the children."""
        split, yes, product = self._tree.splits[k], self._yes[k], self._product[k]
        ratio, part = self._factors(split, yes)
        lost = product * self._cold_share(split, yes) * ratio
        kept = product - lost
        for side, child in enumerate(split.child):
            if child >= 0:
                self._product[child] = np.where(yes == side, kept, lost)
        self._ratio.append(ratio)
        self._product[k] = product * part

    def _factors(self, split: Split, yes: Bools) -> tuple[Floats, Floats]:
        """Return a (1 - t) / F and 1 / F; note which rows met all splits on this feature so far."""
        if split.above is None:
            self._met.append(np.ones(len(yes), dtype=bool))
            return 1.0 - self._t, np.ones((1, 1))
        met = self._met[split.above] & (self._yes[split.above] == split.side)
        self._met.append(met)
        a = split.reached
        share = a + self._t * (1.0 - a)
        ratio = np.where(met, a * (1.0 - self._t) / share, 1.0)
        return ratio, np.where(met, 1.0 / share, 0.0)

    def up(self, k: int) -> Floats:
        """Return what a split contributes to its feature; its value stands for what is below."""
        split, yes = self._tree.splits[k], self._yes[k]
        no_value, yes_value = (self._below(child) for child in split.child)
        hot, cold = np.where(yes, yes_value, no_value), np.where(yes, no_value, yes_value)
        apart = (hot - cold) * self._cold_share(split, yes) * self._ratio[k]
        self._value[k] = hot - apart
        return self._product[k] * apart

    def _below(self, child: int) -> Floats | float:
        return self._value[child] if child >= 0 else self._tree.leaves[-1 - child]

    def _cold_share(self, split: Split, yes: Bools) -> Floats:
        """The share of the training rows that go where a row does not."""
        found: Floats = np.where(yes, split.share[0], split.share[1])
        return found
