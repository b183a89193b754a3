"""Outcomes as they come in, months later: request_id, outcome (1 is bad, 0 is good)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .errors import OutcomesError

REQUEST, OUTCOME, INDEX = "request_id", "outcome", "index"
JOIN = "#"


class Labels:
    """Known outcomes by record; a batch's later applicants by an optional column `index`.

    A blank outcome is not known yet; the same outcome may stand there twice, two different not.
    `unmatched` of them have met no record yet; `repeated` records had the id of an earlier one.
    """

    def __init__(self, path: Path) -> None:
        table = _read(path)
        if absent := {REQUEST, OUTCOME} - set(table.column_names):
            raise OutcomesError(f"{path}: wanted columns {REQUEST}, {OUTCOME}; no {absent.pop()}")
        indexes = table[INDEX] if INDEX in table.column_names else None
        keys, values = _keys(table[REQUEST], indexes), _values(path, table[OUTCOME])
        known = pa.table({REQUEST: keys, OUTCOME: values}).filter(pc.is_valid(values))
        known = known.group_by([REQUEST, OUTCOME]).aggregate([])
        self._keys = known[REQUEST].combine_chunks()
        if twice := _twice(self._keys):
            raise OutcomesError(f"{path}: {twice} stands in it twice, with outcomes 0 and 1")
        self._outcomes = known[OUTCOME].to_numpy()
        self._met = np.zeros(len(self._keys), np.int64)

    @property
    def unmatched(self) -> int:
        """Outcomes that have met no record."""
        return int(np.count_nonzero(self._met == 0))

    @property
    def repeated(self) -> int:
        """Records whose outcome an earlier record had already met."""
        return int(np.maximum(self._met - 1, 0).sum())

    def of(self, requests: pa.Array, indexes: pa.Array | None) -> NDArray[np.float64]:
        """Return the outcome of each record [n], NaN where it is not known."""
        where = pc.index_in(_keys(requests, indexes), value_set=self._keys)
        found = pc.fill_null(where, -1).to_numpy(zero_copy_only=False)
        outcomes = np.full(len(found), np.nan)
        held = found >= 0
        outcomes[held] = self._outcomes[found[held]]
        self._met += np.bincount(found[held], minlength=len(self._met))
        return outcomes


def _keys(requests: pa.Array, indexes: pa.Array | None) -> pa.Array:
    texts = requests.cast(pa.string())
    if indexes is None:
        return pc.binary_join_element_wise(texts, "0", JOIN)
    return pc.binary_join_element_wise(texts, pc.fill_null(indexes.cast(pa.string()), "0"), JOIN)


def _values(path: Path, outcomes: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        values = outcomes.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise OutcomesError(f"{path}: wanted outcomes of 0 and 1: {error}") from error
    values = pc.if_else(pc.is_nan(values), None, values)
    if wrong := set(pc.unique(values).to_pylist()) - {0.0, 1.0, None}:
        raise OutcomesError(f"{path}: wanted outcomes of 0 and 1, got {wrong.pop():g}")
    return values


def _twice(keys: pa.Array) -> str:
    """Name a record that has two outcomes; empty where none has."""
    times = pc.value_counts(keys)
    twice = times.field("values").filter(pc.greater(times.field("counts"), 1))
    if not len(twice):
        return ""
    request, _, index = twice[0].as_py().rpartition(JOIN)
    return f"{REQUEST} {request}" + (f", {INDEX} {index}," if index != "0" else "")


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        types = {REQUEST: pa.string(), OUTCOME: pa.float64(), INDEX: pa.int64()}
        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
    except (pa.ArrowInvalid, OSError) as error:
        raise OutcomesError(f"{path}: {error}") from error
