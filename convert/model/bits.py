"""Whether two results are the same in every bit."""

import numpy as np

from .tree import Bools, Floats


def differs(found: Floats, wanted: Floats) -> Bools:
    """Mask over the rows: some bit of some output is not the same; any NaN equals any other."""
    same = found.view(np.int64) == wanted.view(np.int64)
    result: Bools = ~(same | (np.isnan(found) & np.isnan(wanted))).all(axis=1)
    return result
