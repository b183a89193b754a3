"""The scores of the reference rows, and what is derived from them: policy and sample."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..errors import OptionError
from ..model.objective import Task
from ..model.rows import Rows
from ..model.tree import Floats, Ints
from . import policy as policies
from .policy import Costs, Policy

REFERENCE_ROWS = 5_000


@dataclass(frozen=True)
class Scores:
    """Raw scores and predictions `[N, K]` of the reference rows."""

    raw: Floats
    prediction: Floats


@dataclass(frozen=True)
class PolicyChoice:
    """The user's threshold, or costs to derive one from, or neither; and the start of referral."""

    threshold: float | None = None
    costs: Costs | None = None
    refer_from: float | None = None

    @property
    def wanted(self) -> bool:
        """Whether the bundle shall make decisions."""
        return self.threshold is not None or self.costs is not None

    def check(self, task: Task) -> None:
        """Raise OptionError if the model cannot make such decisions."""
        if self.wanted and task != "binary":
            raise OptionError(f"a threshold needs a probability; this model's task is {task}")
        if self.refer_from is not None and not self.wanted:
            raise OptionError("--refer-from needs --threshold, or --cost-fn and --cost-fp")

    def follow(self, rows: Rows | None, scores: Scores | None) -> Policy | None:
        """Return the policy, or None if none is wanted; raises OptionError."""
        if self.threshold is not None:
            return policies.referring(policies.given(self.threshold), self.refer_from)
        if self.costs is None:
            return None
        if rows is None or rows.label is None or scores is None:
            raise OptionError("--cost-fn and --cost-fp need --reference rows with --label")
        found = policies.by_cost(scores.prediction[:, 0], rows.label, self.costs)
        return policies.referring(found, self.refer_from)


def sampled(rows: Rows) -> Ints:
    """Return which rows the bundle keeps, evenly spaced."""
    count = min(len(rows.X), REFERENCE_ROWS)
    return np.linspace(0, len(rows.X) - 1, count).astype(np.int64)


def reference_table(rows: Rows, scores: Scores) -> pa.Table:
    """Return the sample of the rows as a client sends them, with scores and labels."""
    picked = sampled(rows)
    table = rows.sent.take(pa.array(picked)).combine_chunks()
    table = table.append_column("__raw", _column(scores.raw[picked]))
    table = table.append_column("__prediction", _column(scores.prediction[picked]))
    if rows.label is not None:
        table = table.append_column("__label", pa.array(rows.label[picked]))
    return table


def _column(values: Floats) -> pa.Array:
    return pa.array(values[:, 0] if values.shape[1] == 1 else values.tolist())
