"""Choose the columns of the report: those of most concern that Evidently can process."""

from collections.abc import Sequence

import pandas as pd

from ..drift.result import ColumnDrift

MOST = 40


def shown(
    columns: Sequence[ColumnDrift], reference: pd.DataFrame, current: pd.DataFrame
) -> tuple[list[str], list[str]]:
    """Return the names to show, by concern, and why others are left out.

    A column without any value on one side makes Evidently refuse the whole report.
    """
    able, said = [], []
    for column in columns:
        empty = [
            side
            for side, frame in (("reference", reference), ("current rows", current))
            if not frame[column.name].count()
        ]
        if empty:
            said.append(f"{column.name}: no value in the {empty[0]}")
        else:
            able.append(column.name)
    if len(able) > MOST:
        said.append(f"{len(able) - MOST} columns of less concern")
    return able[:MOST], said
