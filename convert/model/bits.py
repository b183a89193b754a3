"""Compare results bit for bit."""

import numpy as np

from .tree import Bools, Floats


def differs(found: Floats, wanted: Floats) -> Bools:
    """Return a mask [N]: rows of `found` that differ from `wanted` in any bit.

    All NaNs are equal.
    """
    same = found.view(np.int64) == wanted.view(np.int64)
    result: Bools = ~(same | (np.isnan(found) & np.isnan(wanted))).all(axis=1)
    return result
