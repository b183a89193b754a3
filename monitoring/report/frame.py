"""Sampled rows as a data frame for people: categories by name, no infinities."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..markup import distinct
from ..rows.block import Block
from ..rows.columns import CATEGORY, Column, Floats

PREDICTION = "prediction"
LABEL = "outcome"
UNSEEN_LABEL = "(unseen)"


def frame(block: Block, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the rows of a block."""
    values = zip(columns, block.values, strict=True)
    table = pd.DataFrame({column.name: series(column, v) for column, v in values})
    scored = block.scores is not None and not np.isnan(block.scores).all()
    if scored and PREDICTION not in table:  # a feature of that name is a feature
        table[PREDICTION] = block.scores
    return table


def outcomes(block: Block) -> pd.DataFrame:
    """Return predictions and outcomes of the rows with a known outcome."""
    if block.labels is None or block.scores is None:
        return pd.DataFrame({PREDICTION: [], LABEL: []})
    known = ~(np.isnan(block.labels) | np.isnan(block.scores))
    labels = block.labels[known].astype(np.int64)
    return pd.DataFrame({PREDICTION: block.scores[known], LABEL: labels})


def series(column: Column, values: Floats) -> "pd.Series[float] | pd.Series[str]":
    """Return a column's values [n]: numbers without infinities, categories by label."""
    if column.kind != CATEGORY:
        return pd.Series(np.where(np.isfinite(values), values, np.nan))
    names = np.array([*distinct(column.labels), UNSEEN_LABEL, None], object)
    missing = np.isnan(values)
    positions = np.where(missing, len(names) - 1, np.nan_to_num(values)).astype(np.int64)
    positions[values == -1] = len(names) - 2
    return pd.Series(names[positions], dtype="str")
