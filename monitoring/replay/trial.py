"""A trial: score past applicants with another model version and compare the decisions."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import MonitoringError
from ..log.batch import by_version
from .compare import recorded
from .model import Floats, Model, find
from .recast import recast

BINS = 50


class Trial(msgspec.Struct):
    """What would have changed; its size does not grow with the log."""

    model: str
    records: int = 0
    without_row: int = 0
    unfit: int = 0
    changes: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    shift_sum: float = 0.0
    shift_largest: float = 0.0
    grid: list[list[int]] = msgspec.field(default_factory=lambda: [[0] * BINS for _ in range(BINS)])

    @property
    def compared(self) -> int:
        """The number of applicants scored by both versions."""
        return sum(self.changes.values())

    @property
    def changed(self) -> int:
        """The number of applicants whose decision would have been different."""
        return sum(n for (was, now), n in self.changes.items() if was != now)

    def add(self, was: Floats, now: Floats, decisions: Iterable[tuple[str, str]]) -> None:
        """Count applicants scored by both: their predictions [N] and decisions."""
        self.changes.update(decisions)
        shift = np.abs(now - was)
        self.shift_sum += float(shift.sum())
        self.shift_largest = max(self.shift_largest, float(shift.max(initial=0.0)))
        places = [np.clip(side * BINS, 0, BINS - 1).astype(int) for side in (was, now)]
        counts = np.array(self.grid)
        np.add.at(counts, (places[0], places[1]), 1)
        self.grid = counts.tolist()


def run(log: Iterable[pa.RecordBatch], models: Path, other: str) -> Trial:
    """Score a log's applicants with another version. Raises MonitoringError."""
    folders = find(models)
    challenger = Model(_folder(folders, other))
    if challenger.manifest.task != "binary":
        raise MonitoringError(
            f"{other}: wanted a binary model, got task {challenger.manifest.task}"
        )
    if challenger.manifest.policy is None:
        raise MonitoringError(
            f"{other}: has no policy, so there are no decisions to compare; set one with "
            "`convert policy BUNDLE --threshold T`"
        )
    trial = Trial(challenger.name)
    champions: dict[str, Model] = {}
    for batch in log:
        answered = batch.filter(pc.equal(batch["kind"], "score"))
        for (name, version), rows in by_version(answered) if answered.num_rows else ():
            key = f"{name}/{version}"
            if key not in champions:
                champions[key] = Model(_folder(folders, key))
            _add(trial, champions[key], challenger, rows)
    return trial


def _add(trial: Trial, champion: Model, challenger: Model, batch: pa.RecordBatch) -> None:
    """Score one version's records with the other version."""
    trial.records += batch.num_rows
    batch_with_row = batch.filter(pc.is_valid(batch["row"]))
    trial.without_row += batch.num_rows - batch_with_row.num_rows
    if not batch_with_row.num_rows:
        return
    rows, fit = recast(batch_with_row, champion.manifest, challenger.manifest)
    trial.unfit += int((~fit).sum())
    kept = batch_with_row.filter(pa.array(fit))
    if kept.num_rows:
        scores = challenger.score(np.ascontiguousarray(rows[fit]))
        was = [decision or "-" for decision in kept["decision"].to_pylist()]
        now = [decision or "-" for decision in scores.decision]
        pairs = zip(was, now, strict=True)
        trial.add(recorded(kept, "prediction")[:, 0], scores.prediction[:, 0], pairs)


def _folder(folders: dict[tuple[str, str], Path], key: str) -> Path:
    name, _, version = key.rpartition("/")
    if (name, version) not in folders:
        known = ", ".join(sorted("/".join(pair) for pair in folders)) or "none"
        raise MonitoringError(f"{key}: not among the models; there are: {known}")
    return folders[name, version]
