"""Rows of the prediction log as the model saw them, from segments and Parquet of all replicas."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..bundle.manifest import Feature
from ..log import sources
from ..log.batch import rows_matrix
from ..log.once import Once
from ..log.window import Window
from .block import Block
from .columns import CATEGORY, UNSEEN, Floats
from .errors import BadCurrentError
from .labels import Labels
from .reference import Reference
from .refused import STATUS, RefusedTally
from .tables import texts

UNSEEN_FLAG = "unseen:"
COPIES = "copies of others"
NO_POLICY = "no policy"


class Log:
    """The records of one model in log folders; others are counted in `passed_over`, by reason."""

    def __init__(
        self,
        folders: Sequence[Path],
        window: Window,
        reference: Reference,
        labels: Labels | None = None,
    ) -> None:
        self.folders, self.window, self.reference = folders, window, reference
        self.labels = labels
        self.passed_over: Counter[str] = Counter()
        self.other_policies: Counter[str] = Counter()
        self.refused = RefusedTally()
        self.unknown: list[str] = []
        self.absent: list[str] = []

    def blocks(self) -> Iterator[Block]:
        """Yield the rows that this model scored. Raises MonitoringError for a damaged log."""
        mine, once = 0, Once()
        for batch in sources.batches(self.folders, self.window, once):
            scored = self._mine(batch)
            mine += scored.num_rows
            self._look_at_policies(scored)
            if scored.num_rows:
                yield self._block(scored)
        if copies := once.doubled.total():
            self.passed_over[COPIES] = copies
        others = sum(n for why, n in self.passed_over.items() if why.startswith("model "))
        if others and not mine and not self.refused.requests:
            raise BadCurrentError(
                f"the log holds no record of {self.reference.model} {self.reference.version}, but "
                + ", ".join(f"{n} of {why}" for why, n in self.passed_over.most_common(3))
            )

    def _mine(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return this model's answers that hold their row; count all other records by reason."""
        refused = pc.equal(batch["kind"], "refused")
        unfit = pc.fill_null(pc.and_(refused, pc.equal(batch["status"], STATUS)), False)
        self.refused.add(self._of_the_model(batch.filter(unfit)))
        others = pc.and_(pc.and_not(refused, unfit), pc.equal(self._whose(batch), self._wanted))
        self.refused.add_others(batch["status"].filter(others))
        batch = batch.filter(pc.invert(unfit))
        batch = self._keep(batch, pc.equal(batch["kind"], "score"), batch["kind"])
        batch = self._of_the_model(batch)
        self.refused.answered += batch.num_rows
        held = pc.is_valid(batch["row"])
        return self._keep(batch, held, pa.array(["without its row"] * batch.num_rows))

    def _look_at_policies(self, batch: pa.RecordBatch) -> None:
        """Count the decisions made by policies other than the bundle's."""
        policies = Counter(pc.fill_null(batch["policy"], NO_POLICY).to_pylist())
        del policies[self._policy]
        self.other_policies += policies

    @property
    def _policy(self) -> str:
        return self.reference.policy.version if self.reference.policy else NO_POLICY

    def _decisions(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the decisions of the bundle's policy only: a new threshold is not drift."""
        ours = pc.equal(pc.fill_null(batch["policy"], NO_POLICY), self._policy)
        return pc.if_else(ours, batch["decision"], None)

    def _of_the_model(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the records of this model, and count the others by model."""
        names = self._whose(batch)
        return self._keep(batch, pc.equal(names, self._wanted), names)

    @property
    def _wanted(self) -> str:
        return f"model {self.reference.model} {self.reference.version}"

    def _whose(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the model that each record belongs to: `_wanted` for this model's."""
        names = pc.binary_join_element_wise("model", batch["model"], batch["version"], " ")
        other = pc.not_equal(batch["sha256"], self.reference.sha256)
        rebuilt = pc.and_(other, pc.equal(names, self._wanted))
        return pc.if_else(rebuilt, f"{self._wanted} of other bytes", names)

    def _keep(self, batch: pa.RecordBatch, keep: pa.Array, reason: pa.Array) -> pa.RecordBatch:
        keep = pc.fill_null(keep, False)
        for pair in pc.value_counts(reason.filter(pc.invert(keep))).to_pylist():
            self.passed_over[pair["values"]] += pair["counts"]
        return batch.filter(keep)

    def _block(self, batch: pa.RecordBatch) -> Block:
        features = self.reference.features
        rows = rows_matrix(batch)
        if rows.shape[1] != len(features):
            raise BadCurrentError(f"wanted rows of {len(features)} features, got {rows.shape[1]}")
        values = [_positions(f, v) for f, v in zip(features, _by_column(rows), strict=True)]
        mark_unseen(features, values, batch["flags"])
        scores: Floats = batch["prediction"].to_numpy(zero_copy_only=False)
        return Block(
            batch.num_rows,
            values,
            batch["time"].cast(pa.timestamp("us")).to_numpy(False).astype("datetime64[h]"),
            None if np.isnan(scores).all() else scores,
            texts(self._decisions(batch)),
            self.labels.of(batch["request_id"], batch["index"]) if self.labels else None,
        )


def _by_column(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[Floats]:
    return list(np.array(rows.T, np.float64, order="C"))


def _positions(feature: Feature, codes: Floats) -> Floats:
    """Return a category's codes as positions among its labels; numbers unchanged."""
    if feature.type != CATEGORY or feature.codes == list(range(len(feature.codes))):
        return codes
    order = np.argsort(feature.codes)
    ordered = np.array(feature.codes)[order]
    where = np.minimum(np.searchsorted(ordered, codes), len(ordered) - 1)
    known = np.where(ordered[where] == codes, order[where].astype(np.float64), UNSEEN)
    return np.where(np.isnan(codes), np.nan, known)


def mark_unseen(features: Sequence[Feature], values: list[Floats], flags: pa.Array) -> None:
    """Mark values as unseen that the server flagged so: in the row they look like missing ones."""
    names = pc.list_flatten(flags)
    chosen = pc.fill_null(pc.starts_with(names, UNSEEN_FLAG), False)
    flagged = names.filter(chosen).to_pylist()
    rows = pc.list_parent_indices(flags).filter(chosen).to_numpy(zero_copy_only=False)
    position = {feature.name: i for i, feature in enumerate(features) if feature.type == CATEGORY}
    for name, row in zip(flagged, rows, strict=True):
        if (i := position.get(name.removeprefix(UNSEEN_FLAG))) is not None:
            values[i][row] = UNSEEN
