"""Compare the bytes about to be written with LightGBM, bit for bit.

First in blocks of trees, on rows directed at every split. Then the whole model, on adversarial rows
and on the user's own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..graph.ensemble import Ensemble, build_ensemble
from ..graph.graph import build_graph
from ..graph.runtime import Runtime
from ..model.bits import differs
from ..model.features import Feature
from ..model.objective import Transform
from ..model.oracle import Oracle
from ..model.rows import fill_rows
from ..model.tree import Floats, Model
from .adversarial import sweep, typical_rows, vary
from .directed import directed_rows, feature_space
from .mismatch import Difference, refuse, refuse_tree

# Trees times rows for the whole-model comparison: about a second, blocks included.
BUDGET = 1_000_000
LEAST_ROWS, MOST_ROWS = 500, 20_000
MOST_LEAVES = 200_000
# Predictions are compared on all reference rows, and on this many of each other kind.
PREDICTIONS = 512
CHUNK = 4_096
BLOCK_TREES = 12
# For models of up to this many splits, the value just below each threshold is tried too.
BOTH_SIDES = 200_000
# Of larger models, only every second, third, ... block is tested split by split.
MOST_SPLITS = 600_000
# At most this many of the user's rows are compared, evenly spaced.
MOST_REFERENCE = 100_000
PROGRESS_ROWS = 20 * CHUNK
BLOCK_CELLS = 4_000_000
CELLS = 4_000_000

Progress = Callable[[str], None]


@dataclass
class Report:
    """The number of rows compared, by kind. `verify` raises if any of them differs.

    For a model that is deliberately not exact, `mismatches` counts the rows that differ, and
    `flips`, by kind, the decisions that change. `left_out` counts the trees and the reference rows
    that were not compared because there are too many.
    """

    rows: int = 0
    mismatches: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    flips: dict[str, int] | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, rows: int) -> None:
        """Count rows that were compared and are equal."""
        self.rows += rows
        self.kinds[kind] = self.kinds.get(kind, 0) + rows


@dataclass(frozen=True)
class Subject:
    """What is compared: the trees in the new bytes, a session on these bytes, and the oracle.

    `pool` holds the values to try for each feature. `inner` is the booster alone, if pipeline steps
    come before it.
    """

    ensemble: Ensemble
    runtime: Runtime
    oracle: Oracle
    transform: Transform
    features: list[Feature]
    pool: list[Floats]
    inner: "Subject | None" = None


def verify(subject: Subject, model: Model, reference: Floats | None, progress: Progress) -> Report:
    """Compare trees, raw scores and predictions on directed, adversarial and reference rows.

    Raises MismatchError at the first row that differs in any bit.
    """
    report = Report()
    trees = subject.inner or subject
    verify_leaves(trees)
    progress(f"verified {len(subject.ensemble.leaf_value)} leaf values")
    verify_trees(trees, model, None if subject.inner else reference, report, progress)
    for kind, rows in batches(subject, len(model.trees), reference):
        for start in range(0, len(rows), CHUNK):
            compare(subject, rows[start : start + CHUNK], kind, start)
            if start and start % PROGRESS_ROWS == 0:
                progress(f"verified {start} of {len(rows)} {kind} rows")
        report.add(kind, len(rows))
    if reference is not None and len(reference) > MOST_REFERENCE:
        report.left_out["reference"] = len(reference) - MOST_REFERENCE
    progress(f"verified {report.rows} rows")
    return report


def verify_leaves(subject: Subject) -> None:
    """Compare leaf values directly: one ulp in one leaf may vanish in a sum of trees.

    Of a very large model, only every second, third, ... tree's leaves are compared.
    """
    ensemble = subject.ensemble
    if ensemble.linear is not None and not ensemble.linear.feature.shape[1]:
        return  # constants only: the graph holds no plain leaf values, which are never used
    ends = np.append(ensemble.leaf_starts[1:], len(ensemble.leaf_value))
    for tree in range(0, ensemble.trees, 1 + len(ensemble.leaf_value) // MOST_LEAVES):
        start, end = ensemble.leaf_starts[tree], ends[tree]
        found = ensemble.leaf_value[start:end]
        wanted = subject.oracle.leaf_values(tree, len(found))
        wrong = differs(found[:, None], wanted[:, None])
        if wrong.any():
            leaf = int(np.flatnonzero(wrong)[0])
            refuse(Difference(f"tree {tree}, leaf {leaf}", found[leaf], wanted[leaf]))


def verify_trees(
    subject: Subject, model: Model, reference: Floats | None, report: Report, progress: Progress
) -> None:
    """Compare blocks of trees on rows at both sides of every split that a row can reach."""
    truth = build_ensemble(model)
    zero = np.array([feature.zero_as_missing for feature in subject.features])
    space = feature_space(truth, len(subject.features), zero)
    base = np.zeros((1, len(zero))) if reference is None else reference
    both = len(truth.feature) <= BOTH_SIDES
    every = 1 + len(truth.feature) // MOST_SPLITS
    for number, (first, last) in enumerate(blocks(truth)):
        if number % every:
            report.left_out["trees"] = report.left_out.get("trees", 0) + last - first
            continue
        runtime = Runtime(_bytes(subject.ensemble.part(first, last), len(zero)))
        for rows in directed_rows(truth.part(first, last), space, base, both):
            compare_block(subject, runtime, rows, first, last)
            report.add("splits", len(rows))
        progress(f"verified {last} of {truth.trees} trees, {report.rows} rows")


def blocks(truth: Ensemble) -> Iterator[tuple[int, int]]:
    """Yield (first, last + 1) tree of every block: whole iterations that fit in memory."""
    # Memory holds three arrays [S, used features] and one [S, F]; assume 120 columns in total.
    per_tree = max(len(truth.feature) // truth.trees, 1) * 120
    size = int(np.clip(BLOCK_CELLS // per_tree, 1, BLOCK_TREES))
    size = -(-size // truth.outputs) * truth.outputs
    for first in range(0, truth.trees, size):
        yield first, min(first + size, truth.trees)


def _bytes(ensemble: Ensemble, features: int) -> bytes:
    content: bytes = build_graph(ensemble, features).SerializeToString()
    return content


def compare_block(subject: Subject, runtime: Runtime, rows: Floats, first: int, last: int) -> None:
    """Raise MismatchError, naming tree and feature, if a row's sum over the block differs."""
    outputs = subject.ensemble.outputs
    found = runtime.raw(fill_rows(rows, subject.features))
    wanted = subject.oracle.raw_of(rows, first // outputs, (last - first) // outputs)
    wrong = differs(found, wanted)
    if wrong.any():
        row = rows[wrong][:1]
        refuse_tree(subject.ensemble, subject.oracle, subject.features, row, (first, last))


def batches(subject: Subject, trees: int, reference: Floats | None) -> Iterator[tuple[str, Floats]]:
    """Yield (kind, rows [n, F] as LightGBM takes them); the same rows for the same model."""
    rng = np.random.default_rng(0)
    budget = int(np.clip(BUDGET // trees, LEAST_ROWS, MOST_ROWS))
    budget = min(budget, max(CELLS // len(subject.pool), LEAST_ROWS))
    pool = subject.pool
    swept = sweep(pool, min(max(map(len, pool)), budget // 2), rng)
    yield "values", swept
    base = reference
    if base is None:
        base = typical_rows(subject.features, budget) if subject.inner else swept
    some = base[rng.integers(len(base), size=budget // 4)]
    for share in (0.03, 0.3):
        yield "mixed", vary(some, pool, share, rng)
    yield "missing", np.array([[values[0] for values in pool]])
    if reference is not None:
        yield "reference", _spread(reference, MOST_REFERENCE)


def _spread(rows: Floats, most: int) -> Floats:
    """Return at most `most` rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def compare(subject: Subject, rows: Floats, kind: str, start: int) -> None:
    """Raise MismatchError if a row's raw score or prediction differs."""
    raw = subject.runtime.raw(fill_rows(rows, subject.features))
    wanted = subject.oracle.raw(rows)
    wrong = differs(raw, wanted)
    if wrong.any() and subject.inner:
        at = int(np.flatnonzero(wrong)[0])
        where = f"{kind} row {start + at}, through the pipeline's steps: {rows[at].tolist()}"
        refuse(Difference(where, raw[at], wanted[at]))
    if wrong.any():
        row = rows[wrong][:1]
        refuse_tree(
            subject.ensemble, subject.oracle, subject.features, row, (0, subject.ensemble.trees)
        )
    if kind == "reference":
        compare_predictions(subject, rows, raw, kind)
    elif start == 0:
        compare_predictions(subject, rows[:PREDICTIONS], raw[:PREDICTIONS], kind)


def compare_predictions(subject: Subject, rows: Floats, raw: Floats, kind: str) -> None:
    """Raise MismatchError if the predictions differ although the raw scores are equal."""
    prediction, expected = subject.transform.apply(raw), subject.oracle.prediction(rows)
    wrong = differs(prediction, expected)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        where = f"{kind} row {at}, {subject.transform.name} of equal raw scores"
        refuse(Difference(where, prediction[at], expected[at]))
