"""Decisions and other words of a table's rows, as columns."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..bundle.applicant import Floats
from ..bundle.manifest import Policy
from ..bundle.predictions import DECISIONS, decided

Refused = NDArray[np.bool_]


def decisions(policy: Policy | None, predictions: Floats, refused: Refused) -> pa.Array:
    """Return the decision of each prediction, null where refused or without a policy."""
    if policy is None:
        return pa.nulls(len(predictions), pa.string())
    return chosen(DECISIONS, decided(policy, predictions), refused)


def same(text: str | None, refused: Refused) -> pa.Array:
    """Return one text on every row that is not refused."""
    return chosen((text,), np.zeros(len(refused), np.int8), refused)


def chosen(words: Sequence[str | None], places: NDArray[np.int8], refused: Refused) -> pa.Array:
    """Return the word at each place, null where refused."""
    return pa.array(words, pa.string()).take(pa.array(places, mask=refused))
