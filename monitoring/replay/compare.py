"""Replay: score every record again with the model that made it, and compare bit by bit."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..log.batch import by_version, rows_matrix
from .model import Bools, Floats, Model, decide, find
from .reasons import Told, explained

SHOWN = 10


class Difference(msgspec.Struct):
    """A record that its model does not reproduce."""

    request_id: str
    index: int | None
    what: str
    recorded: object
    replayed: object


class Report(msgspec.Struct):
    """The result of replaying the records of one model version."""

    model: str
    records: int = 0
    identical: int = 0
    different: int = 0
    without_row: int = 0
    refused: int = 0
    other_policy: int = 0
    no_model: int = 0
    explained: int = 0
    other_reasons: int = 0
    why: str | None = None
    policies: list[str] = []
    reasons: list[str] = []
    examples: list[Difference] = []

    def is_bad(self) -> bool:
        """Whether any record could not be reproduced or checked."""
        return bool(self.different or self.no_model or self.other_policy or self.other_reasons)


class Replay:
    """Replays batches; opens each model version once, when the log first needs it."""

    def __init__(self, models: Path) -> None:
        self._folders = find(models)
        self._models: dict[tuple[str | None, str | None], Model | str] = {}
        self.reports: dict[str, Report] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Replay a batch."""
        for key, rows in by_version(batch):
            name = f"{key[0]}/{key[1]}"
            report = self.reports.setdefault(name, Report(name))
            self._add(report, self.model(key), rows)

    def model(self, key: tuple[str | None, str | None]) -> Model | str:
        """Return a model version, or why there is none."""
        if key not in self._models:
            folder = self._folders.get((str(key[0]), str(key[1])))
            self._models[key] = Model(folder) if folder else "not among the models"
        return self._models[key]

    def _add(self, report: Report, model: Model | str, batch: pa.RecordBatch) -> None:
        report.records += batch.num_rows
        scored = batch.filter(pc.is_in(batch["kind"], pa.array(["score", "shadow"])))
        report.refused += batch.num_rows - scored.num_rows
        with_row = scored.filter(pc.is_valid(scored["row"]))
        report.without_row += scored.num_rows - with_row.num_rows
        ours = with_row
        if isinstance(model, str):
            report.why = model
        else:
            ours = with_row.filter(pc.equal(with_row["sha256"], model.sha256))
            if ours.num_rows:
                compare(report, model, ours)
            if ours.num_rows < with_row.num_rows:
                report.why = "the bundle of that name holds another model.onnx"
        report.no_model += with_row.num_rows - (0 if isinstance(model, str) else ours.num_rows)


def compare(report: Report, model: Model, batch: pa.RecordBatch) -> None:
    """Score a batch again and count the records that differ in any bit."""
    scores = model.score(rows_matrix(batch))
    width = scores.raw.shape[1]
    same = bits_equal(recorded(batch, "raw", width), scores.raw)
    same_prediction = bits_equal(recorded(batch, "prediction", width), scores.prediction)
    decided, unknown = decisions(report, batch, model, scores.prediction)
    same_decision = unknown | (np.array(batch["decision"].to_pylist(), object) == decided)
    told = explained(model, batch)
    for what, equal, replayed in (
        ("raw", same, scores.raw),
        ("prediction", same_prediction, scores.prediction),
        ("decision", same_decision, decided[:, None]),
    ):
        _show(report, batch, what, equal, replayed)
    _show_reasons(report, batch, told)
    same &= same_prediction & same_decision & told.equal
    report.identical += int((same & ~unknown & ~told.unknown).sum())
    report.explained += int((same & ~unknown & told.checked).sum())
    report.other_reasons += int((same & ~unknown & told.unknown).sum())
    report.other_policy += int((same & unknown).sum())
    report.different += int((~same).sum())


def recorded(batch: pa.RecordBatch, name: str, width: int = 1) -> Floats:
    """Return a column of scores as [N, width]; NaN where a record holds another number of them."""
    if width == 1:
        return np.asarray(batch[name].to_numpy(zero_copy_only=False), np.float64)[:, None]
    absent = [np.nan] * width
    every = batch[f"{name}_all"].to_pylist()
    return np.array([one if one and len(one) == width else absent for one in every], np.float64)


def bits_equal(left: Floats, right: Floats) -> Bools:
    """Return for each row [N, K] whether both sides hold the same bits."""
    if left.shape != right.shape:
        return np.zeros(len(left), np.bool_)
    bits = [np.ascontiguousarray(side).view(np.int64) for side in (left, right)]
    return np.asarray((bits[0] == bits[1]).all(axis=1))


def decisions(
    report: Report, batch: pa.RecordBatch, model: Model, prediction: Floats
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.object_]], np.ndarray[tuple[int], np.dtype[np.bool_]]
]:
    """Decide each row again under its recorded policy; also return where that policy is unknown."""
    named = np.array(batch["policy"].to_pylist(), object)
    replayed, unknown = np.full(len(named), None, object), np.zeros(len(named), np.bool_)
    for version in dict.fromkeys(named.tolist()):
        rows = named == version
        if version in model.rules:
            replayed[rows] = decide(model.rules[version], prediction[rows])
            continue
        unknown |= rows
        if version not in report.policies:
            report.policies.append(version)
    return replayed, unknown


def _show(
    report: Report,
    batch: pa.RecordBatch,
    what: str,
    equal: Bools,
    replayed: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
) -> None:
    """Keep the first few differences for the report."""
    for i in np.flatnonzero(~equal)[: SHOWN - len(report.examples)]:
        row = batch.slice(int(i), 1).to_pylist()[0]
        was = row[what] if what == "decision" or row[what] is not None else row[f"{what}_all"]
        now = replayed[i].tolist()
        report.examples.append(
            Difference(row["request_id"], row["index"], what, was, now[0] if len(now) == 1 else now)
        )


def _show_reasons(report: Report, batch: pa.RecordBatch, told: Told) -> None:
    """Note the versions of reason codes that are not in the bundle, and the first differences."""
    versions = batch["reasons_version"].to_pylist()
    for i in np.flatnonzero(told.unknown).tolist():
        if versions[i] not in report.reasons:
            report.reasons.append(versions[i])
    for at in told.different[: SHOWN - len(report.examples)]:
        [row] = batch.slice(at.place, 1).to_pylist()
        found = Difference(row["request_id"], row["index"], at.what, at.recorded, at.replayed)
        report.examples.append(found)


def replay(log: Iterable[pa.RecordBatch], models: Path) -> list[Report]:
    """Replay a log and return one report per model version, sorted by name."""
    work = Replay(models)
    for batch in log:
        work.add(batch)
    return [work.reports[name] for name in sorted(work.reports)]
