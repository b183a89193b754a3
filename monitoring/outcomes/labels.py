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


class Labels:
    """Known outcomes by record; a batch's later applicants by an optional column `index`."""

    def __init__(self, path: Path) -> None:
        table = _read(path)
        if absent := {REQUEST, OUTCOME} - set(table.column_names):
            raise OutcomesError(f"{path}: wanted columns {REQUEST}, {OUTCOME}; no {absent.pop()}")
        indexes = table[INDEX] if INDEX in table.column_names else None
        self._keys = _keys(table[REQUEST].combine_chunks(), indexes)
        try:
            self._values = table[OUTCOME].cast(pa.float64()).to_numpy()
        except pa.ArrowInvalid as error:
            raise OutcomesError(f"{path}: wanted outcomes of 0 and 1: {error}") from error
        if wrong := set(np.unique(self._values[~np.isnan(self._values)])) - {0.0, 1.0}:
            raise OutcomesError(f"{path}: wanted outcomes of 0 and 1, got {wrong.pop():g}")
        if pc.count_distinct(self._keys).as_py() != len(self._keys):
            raise OutcomesError(f"{path}: a request_id stands in it twice")
        self.rows = len(self._keys)
        self.joined = 0

    def of(self, requests: pa.Array, indexes: pa.Array | None) -> NDArray[np.float64]:
        """Return the outcome of each record [n], NaN where it is not known."""
        where = pc.index_in(_keys(requests, indexes), value_set=self._keys)
        found = pc.fill_null(where, -1).to_numpy(zero_copy_only=False)
        self.joined += int(np.count_nonzero(found >= 0))
        if not self.rows:
            return np.full(len(found), np.nan)
        return np.where(found >= 0, self._values[found], np.nan)


def _keys(requests: pa.Array, indexes: pa.Array | None) -> pa.Array:
    texts = requests.cast(pa.string())
    if indexes is None:
        indexes = pa.array(np.zeros(len(texts), np.int64))
    if isinstance(indexes, pa.ChunkedArray):
        indexes = indexes.combine_chunks()
    return pc.binary_join_element_wise(texts, indexes.cast(pa.string()), "#")


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        types = {REQUEST: pa.string(), OUTCOME: pa.float64(), INDEX: pa.int64()}
        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types))
    except (pa.ArrowInvalid, OSError) as error:
        raise OutcomesError(f"{path}: {error}") from error
