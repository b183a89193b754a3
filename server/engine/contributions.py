"""What each feature contributes to a raw score: held to the golden rows at every start.

Path-dependent SHAP values in C, whichever engine scores; see native/contributions.c.
"""

import logging
from array import array

import numpy as np

from ..bundle.applicant import Floats
from ..bundle.manifest import Bundle
from .choice import Walker
from .golden import Golden
from .native.engine import Native
from .native.trees import NotNativeError

log = logging.getLogger(__name__)


class Contributions:
    """Explains rows of F features as the model sees them; belongs to one thread, as engines do.

    For each of K raw scores there are F + 1 numbers, which add up to raw / divide_by: what each
    feature contributes, and last the expectation, the mean over the training rows.
    """

    def __init__(self, engine: Native, divide_by: float) -> None:
        """Raises NotNativeError where the engine has no counts, or not such trees."""
        self._shape = len(engine.raw), len(engine.row) + 1
        self._block = engine.explainer(divide_by).block

    def of(self, rows: Floats) -> Floats:
        """Return float64 [N, K, F + 1] for rows [N, F], or [K, F + 1] for one row [F]."""
        out = np.empty((*rows.shape[:-1], *self._shape))
        self._block(np.ascontiguousarray(rows, np.float64), out)
        return out


def proved(bundle: Bundle, walker: Walker, golden: Golden) -> Contributions | None:
    """Return the bundle's contributions; None where it has none, or, with a line, where one is off.

    Scores stay as they are either way.
    """
    if bundle.manifest.contributions is None:
        return None
    try:
        if isinstance(walker, NotNativeError):
            raise walker
        made = Contributions(walker.engine, bundle.manifest.transform.divide_by)
        check(made, golden)
    except NotNativeError as error:
        log.warning("%s: no reasons are given: %s", bundle.path, error)
        return None
    return made


def check(contributions: Contributions, golden: Golden) -> None:
    """Explain the golden rows, alone and in a block; raises NotNativeError at the first bit off."""
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
