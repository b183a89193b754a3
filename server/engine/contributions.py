"""The contribution of each feature to a raw score, checked against the golden rows at every start.

Path-dependent SHAP values in C, whichever engine scores; see native/contributions.c.
"""

import logging
from array import array
from collections.abc import Sequence

import numpy as np

from ..bundle.applicant import Floats
from ..bundle.manifest import Missing, Number
from ..bundle.reading import Opened
from .choice import Walker
from .golden import Golden
from .native.engine import Native, is_built
from .native.trees import NotNativeError, read_trees
from .session import Session

log = logging.getLogger(__name__)


class Contributions:
    """Explains rows of F features as the model sees them. Any thread may call it.

    For each of K raw scores there are F + 1 numbers that add up to raw / divide_by: the
    contribution of each feature, and last the expectation, the mean over the training rows.
    """

    def __init__(
        self, engine: Native, divide_by: float, steps: Session | None = None,
        columns: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        """Take the native engine and the pipeline `steps` before the trees, if there are any.

        `columns` then are the features of the trees' inputs. Raises NotNativeError if the engine
        has no counts or unsuitable trees.
        """
        width = len(steps.row if steps else engine.row)
        columns = range(width) if columns is None else columns
        self._steps, self._shape = steps, (len(engine.raw), width + 1)
        self._block = engine.explainer(columns, width, divide_by).block

    def of(self, rows: Floats) -> Floats:
        """Return float64 [N, K, F + 1] for rows [N, F], or [K, F + 1] for one row [F]."""
        out = np.empty((*rows.shape[:-1], *self._shape))
        if self._steps is not None:
            rows = self._steps.score_block(rows.reshape(-1, self._shape[1] - 1))
        self._block(np.ascontiguousarray(rows, np.float64), out)
        return out


def proved(opened: Opened, walker: Walker, golden: Golden) -> Contributions | None:
    """Return the bundle's contributions; None if it has none, or, with a log line, if one differs.

    Scores are the same either way. Raises BundleError if the steps are not a graph.
    """
    if opened.bundle.manifest.contributions is None:
        return None
    try:
        made = contributions_of(opened, walker)
        check(made, golden)
    except NotNativeError as error:
        if is_built():  # otherwise choice.tell says so, once for all models
            log.warning("%s: no reasons are given: %s", opened.bundle.path, error)
        return None
    return made


def contributions_of(opened: Opened, walker: Walker) -> Contributions:
    """Return the contributions, not yet proven; raises NotNativeError and BundleError."""
    manifest = opened.bundle.manifest
    columns = manifest.contributions.columns if manifest.contributions else None
    divide_by = manifest.transform.divide_by
    if columns is None or opened.steps is None:
        if isinstance(walker, NotNativeError):
            raise walker
        return Contributions(walker.engine, divide_by)
    file, width = opened.bundle.path / "steps.onnx", len(manifest.features)
    steps = Session(file, width, len(columns), opened.steps)
    steps.try_out(np.zeros((1, width)))
    taken = [Number(str(i), Missing(True, "trained")) for i in range(len(columns))]
    trees = read_trees(opened.model, behind_steps=True)
    engine = Native(trees, taken, manifest.outputs, opened.covers)
    return Contributions(engine, divide_by, steps, columns)


def check(contributions: Contributions, golden: Golden) -> None:
    """Explain the golden rows, singly and as a block; raises NotNativeError at the first
    wrong bit.
    """
    explained = [i for i, each in enumerate(golden.rows) if each.contributions is not None]
    if not explained:
        raise NotNativeError("wanted golden rows with contributions, got none")
    matrix = golden.matrix()[explained]
    block = contributions.of(matrix)
    for i, row, found in zip(explained, matrix, block, strict=True):
        wanted = [array("d", each).tobytes() for each in golden.rows[i].contributions or ()]
        for got in (found, contributions.of(row)):
            if [each.tobytes() for each in got] != wanted:
                raise NotNativeError(
                    f"golden row {i}: wanted contributions {golden.rows[i].contributions}, "
                    f"got {got.tolist()}"
                )
