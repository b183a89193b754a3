"""Our verdict and a fixed PSI threshold on a frame of the study."""

import numpy as np
import pandas as pd
import pyarrow as pa

from monitoring.drift.result import ColumnDrift, Settings
from monitoring.drift.verdict import Verdict, tests
from monitoring.rows.block import Block
from monitoring.rows.columns import CATEGORY, Column
from monitoring.rows.encode import encode
from monitoring.rows.files import number_column
from monitoring.rows.reference import Reference
from monitoring.rows.tally import Tally, tally

NO_SCORES = np.array([])
FIXED_PSI = 0.1


def columns_of(frame: pd.DataFrame) -> tuple[Column, ...]:
    """Bin each column of a reference frame by its own values."""
    return tuple(_column(str(name), frame[name]) for name in frame.columns)


def _column(name: str, values: pd.Series) -> Column:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return number_column(name, values.dropna().to_numpy(np.float64))
    return Column(name, CATEGORY, NO_SCORES, tuple(sorted(values.dropna().unique())))


def count(columns: tuple[Column, ...], frame: pd.DataFrame) -> Tally:
    """Count a frame's columns."""
    arrays = [pa.array(frame[c.name].to_numpy(), from_pandas=True) for c in columns]
    values = [encode(c, array) for c, array in zip(columns, arrays, strict=True)]
    return tally(columns, NO_SCORES, Block(len(frame), values))


def judge(
    columns: tuple[Column, ...], reference: Tally, current: Tally, family: int
) -> dict[str, ColumnDrift]:
    """Return the verdict on each column as it would be among `family` columns."""
    alpha = Settings().alpha * tests(columns) / tests(columns[:family])
    verdict = Verdict(Reference(columns, NO_SCORES, reference), current, Settings(alpha=alpha))
    return {column.name: column for column in verdict.columns}
