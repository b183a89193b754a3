"""Score Arrow tables with a bundle's model: the library that `python -m server score` uses."""

from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from ..bundle.applicant import Floats
from ..bundle.predictions import predictor
from ..scoring import model as models
from ..scoring.care import Care
from ..scoring.model import DEFAULT, Model, Options
from ..scoring.near_names import told
from ..settings import Reasons
from . import answers
from .columns import Faults, FeatureColumns
from .reasons import ReasonColumns
from .table_file import TableError

Table: TypeAlias = pa.Table | pa.RecordBatch


class UnfitRowError(Exception):
    """A row that the model must not see. `row` is its place in the table, from 0."""

    def __init__(self, row: int, said: str) -> None:
        self.row = row
        super().__init__(f"row {row + 1}: {said}")


class Scorer:
    """Scores tables, bit for bit as the server scores requests. Any thread may call it."""

    def __init__(
        self, model: Model, reasons: Reasons = "none", language: str | None = None,
        decimal: str = ".",
    ) -> None:  # fmt: skip
        """Explain refusals, or all rows, in a language of the bundle's (default: its first one).

        `decimal` is the mark in texts that spell numbers. Raises bundle.BundleError where the
        bundle cannot.
        """
        self._model = model
        self._columns = FeatureColumns(model.manifest.features, decimal)
        manifest = model.manifest
        self._predict = predictor(manifest.transform) if manifest.outputs == 1 else None
        self.features = tuple(feature.name for feature in manifest.features)
        self.added = added_fields(model)
        self.tag = msgspec.to_builtins(model.tag)
        self._reasons = None
        self.ways = {"--reasons": reasons, "--language": "", "--decimal": decimal}
        if reasons != "none":
            self._reasons = ReasonColumns(model, reasons, language)
            self.added = pa.schema([*self.added, *self._reasons.added])
            self.ways["--language"] = self._reasons.language

    @classmethod
    def load(
        cls, bundle: str | Path, options: Options = DEFAULT, care: Care = models.AT_ONCE,
        reasons: Reasons = "none", language: str | None = None, decimal: str = ".",
    ) -> "Scorer":  # fmt: skip
        """Read and prove a bundle, as the server does at its start; raises bundle.BundleError."""
        return cls(models.load(Path(bundle), options, care), reasons, language, decimal)

    def score(self, table: Table) -> pa.RecordBatch:
        """Return the columns of `table` as they are, and behind them those of `added`.

        Features are found by name. Raises TableError for a column that is absent or would stand
        twice, UnfitRowError for the first row that the server would refuse.
        """
        self.check(table.schema)
        batch = table if isinstance(table, pa.RecordBatch) else one_batch(table)
        scores, faults = self.scores(batch)
        if faults:
            row = min(faults)
            raise UnfitRowError(row, faults[row])
        return beside(batch, scores)

    def scores(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Faults]:
        """Return the added columns alone, null where a row has a fault, and the faults."""
        rows, faults = self._columns.sent(batch)
        absent = np.isnan(rows) if self._reasons else None
        self._columns.fill(rows)
        raw = self._model.engine.score_block(rows)
        faulty = np.zeros(len(rows), bool)
        faulty[list(faults)] = True
        columns = self._said(raw, faulty)
        if self._reasons is not None and absent is not None:
            decided = columns[-3] if self._predict is not None else None
            columns += self._reasons.of(rows, absent, ~faulty, decided)
        return pa.RecordBatch.from_arrays(columns, schema=self.added), faults

    def check(self, schema: pa.Schema) -> None:
        """Raise TableError unless every feature has one column, and nothing has an added name."""
        names = schema.names
        if absent := [name for name in self.features if name not in names]:
            unknown = [name for name in names if name not in self.features]
            raise TableError(f"no column for {told(absent, unknown)}")
        if twice := sorted({name for name in self.features if names.count(name) > 1}):
            raise TableError(f"more than one column {', '.join(twice[:10])}")
        if taken := [name for name in self.added.names if name in names]:
            raise TableError(f"already has {', '.join(taken)}")

    def _said(self, raw: Floats, refused: answers.Refused) -> list[pa.Array]:
        tag, manifest = self._model.tag, self._model.manifest
        predictions = self._predictions(raw)
        columns = [pa.array(each, mask=refused) for each in (*raw.T, *predictions)]
        if self._predict is not None:
            columns.append(answers.decisions(manifest.policy, predictions[0], refused))
            columns.append(answers.same(tag.policy, refused))
        return [*columns, answers.same(f"{tag.name}/{tag.version}", refused)]

    def _predictions(self, raw: Floats) -> Floats:
        """Return the predictions [K, N]."""
        if self._predict is not None:
            return self._predict(raw[:, 0])[None]
        said = [self._model.predict_all(row) for row in raw.tolist()]
        return np.array(said, np.float64).reshape(raw.shape).T


def added_fields(model: Model) -> pa.Schema:
    """Return the columns that scoring adds, in their order."""
    manifest = model.manifest
    texts = [("model", pa.string())]
    if manifest.outputs == 1:
        numbers = ["raw_score", "probability" if manifest.task == "binary" else "value"]
        texts = [("decision", pa.string()), ("policy", pa.string()), *texts]
    else:
        names = manifest.classes or tuple(range(manifest.outputs))
        numbers = [f"raw_score_{i}" for i in range(manifest.outputs)]
        numbers += [f"probability_{name}" for name in names]
    return pa.schema([*((name, pa.float64()) for name in numbers), *texts])


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as one batch; raises TableError for texts beyond what one column can hold."""
    found = table.combine_chunks().to_batches()
    if len(found) > 1:
        raise TableError("a column too large for one batch: score the table in parts")
    return found[0] if found else pa.RecordBatch.from_pylist([], schema=table.schema)


def beside(batch: pa.RecordBatch, added: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with the columns of another behind its own, every field as it was."""
    fields = [*batch.schema, *added.schema]
    schema = pa.schema(fields, metadata=batch.schema.metadata)
    return pa.RecordBatch.from_arrays([*batch.columns, *added.columns], schema=schema)
