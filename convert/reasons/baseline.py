"""The baseline of reasons: what each feature contributes for the applicants compared with.

A reason is what a feature contributes beyond that. The commentary on Regulation B, 9(b)(2)-5, names
two of these: applicants at or slightly above the minimum passing score, and all applicants.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import OptionError
from ..model.tree import Floats, Ints
from ..policy.policy import Policy

Kind = Literal["marginal", "approved", "all", "expectation"]
Explain = Callable[[Floats], Floats]  # rows [N, F] -> contributions [N, 1, F + 1]
MARGIN = 10  # the marginal ones are a tenth of the approved
BUDGET, LEAST_ROWS = 16_000_000, 100  # rows times splits that are explained
FEW = 30
NO_ROWS = "reasons need --reference rows to compare an applicant with"


@dataclass(frozen=True)
class Compared:
    """Reference rows `X` [N, F] as the model sees them, and their `probability` [N]."""

    X: Floats
    probability: Floats


@dataclass(frozen=True)
class Baseline:
    """The mean contributions [F] of `rows` rows; `cutoff` is what approved rows lie below."""

    kind: Kind
    rows: int
    cutoff: float | None
    contributions: list[float]


def baseline(
    kind: Kind, explain: Explain, splits: int, width: int, compared: Compared | None, policy: Policy
) -> Baseline:
    """Compute the baseline of a model of `splits` splits and `width` features.

    Raises OptionError without reference rows.
    """
    if kind == "expectation":
        return Baseline(kind, 0, None, [0.0] * width)
    if compared is None:
        raise OptionError(NO_ROWS)
    cutoff = policy.refuse_at if policy.refer_from is None else policy.refer_from
    picked = _spread(chosen(kind, compared.probability, cutoff), splits)
    found = explain(compared.X[picked])[:, 0, :-1]
    means = [math.fsum(column) / len(picked) for column in found.T.tolist()]
    return Baseline(kind, len(picked), None if kind == "all" else cutoff, means)


def chosen(kind: Kind, probability: Floats, cutoff: float) -> Ints:
    """Return which rows [N] count: all, those below `cutoff`, or the tenth of these next to it.

    Rows as near as the last one of the tenth belong to it. Where none is approved, the tenth with
    the lowest probability stands for them.
    """
    if kind == "all":
        return np.arange(len(probability))
    approved: Ints = np.flatnonzero(probability < cutoff)
    if not len(approved):
        lowest = np.sort(probability)[math.ceil(len(probability) / MARGIN) - 1]
        approved = np.flatnonzero(probability <= lowest)
    elif kind == "marginal":
        nearest = np.sort(probability[approved])[-math.ceil(len(approved) / MARGIN)]
        approved = approved[probability[approved] >= nearest]
    return approved


def _spread(rows: Ints, splits: int) -> Ints:
    """Return as many of the rows as there is time for, evenly spaced."""
    most = max(BUDGET // max(splits, 1), LEAST_ROWS)
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def described(found: Baseline) -> str:
    """Say of whom the baseline is."""
    of = {
        "marginal": f"approved reference rows nearest to {found.cutoff!r}",
        "approved": f"approved reference rows, those below {found.cutoff!r}",
        "all": "reference rows",
    }
    if found.kind == "expectation":
        return "reasons: compared with the model's own expectation"
    few = "WARNING: " if found.rows < FEW else ""
    return f"{few}reasons: compared with the mean of {found.rows} {of[found.kind]}"
