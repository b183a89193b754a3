"""Outcomes as they become known, months later: request_id, outcome (1 is bad, 0 is good)."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .arrays import array_of, numbers
from .cells import CellError
from .errors import OutcomesError
from .table_file import Column, TableError, blocks, column_names

REQUEST, OUTCOME, INDEX = "request_id", "outcome", "index"
JOIN = "#"
SCHEMA = pa.schema({REQUEST: pa.string(), OUTCOME: pa.float64(), INDEX: pa.string()})


class Labels:
    """Known outcomes by request id, and by an optional column `index` for applicants of a batch.

    A blank outcome is not known yet. The same outcome may occur twice, two different ones may not.
    `unmatched` outcomes have found no record yet; `repeated` records share the id of an earlier
    one.
    """

    def __init__(self, path: Path) -> None:
        table = _read(path)
        keys = _keys(table[REQUEST], table[INDEX])
        outcomes = table[OUTCOME]
        known = pa.table({REQUEST: keys, OUTCOME: outcomes}).filter(pc.is_valid(outcomes))
        known = known.group_by([REQUEST, OUTCOME]).aggregate([])
        self._keys = known[REQUEST].combine_chunks()
        if twice := _twice(self._keys):
            raise OutcomesError(f"{path}: {twice} occurs twice, with outcomes 0 and 1")
        self._outcomes = known[OUTCOME].to_numpy()
        self._met = np.zeros(len(self._keys), np.int64)

    @property
    def unmatched(self) -> int:
        """The number of outcomes that have found no record."""
        return int(np.count_nonzero(self._met == 0))

    @property
    def repeated(self) -> int:
        """The number of records whose outcome was already given to an earlier record."""
        return int(np.maximum(self._met - 1, 0).sum())

    def of(self, requests: pa.Array, indexes: pa.Array | None) -> NDArray[np.float64]:
        """Return the outcome of each record [n], NaN if unknown."""
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


def _twice(keys: pa.Array) -> str:
    """Return a record with two different outcomes; "" if there is none."""
    times = pc.value_counts(keys)
    twice = times.field("values").filter(pc.greater(times.field("counts"), 1))
    if not len(twice):
        return ""
    request, _, index = twice[0].as_py().rpartition(JOIN)
    return f"{REQUEST} {request}" + (f", {INDEX} {index}," if index != "0" else "")


def _read(path: Path) -> pa.Table:
    """Return request_id as text, outcome as 0, 1 or null, index as text. Raises OutcomesError."""
    parts, before = [], 0
    try:
        names = column_names(path)
        if absent := [name for name in (REQUEST, OUTCOME) if name not in names]:
            raise OutcomesError(f"{path}: wanted columns {REQUEST}, {OUTCOME}; no {absent[0]}")
        wanted = [name for name in SCHEMA.names if name in names]
        for block in blocks(path, wanted):
            parts.append(_part(f"{path}: row", before, dict(zip(wanted, block, strict=True))))
            before += len(block[0])
    except TableError as error:
        raise OutcomesError(str(error)) from error
    return pa.concat_tables(parts) if parts else SCHEMA.empty_table()


def _part(where: str, before: int, columns: dict[str, Column]) -> pa.Table:
    requests = array_of(columns[REQUEST]).cast(pa.string())
    indexes = columns.get(INDEX, pa.nulls(len(requests)))
    name = OUTCOME
    try:
        outcomes, name = numbers(columns[OUTCOME]), INDEX
        places = np.nan_to_num(numbers(indexes))
    except CellError as error:
        raise OutcomesError(f"{where} {before + error.row + 1}: {name}: {error}") from error
    wrong = ~np.isin(outcomes, [0.0, 1.0]) & ~np.isnan(outcomes)
    for wanted, values, bad in (
        ("outcomes of 0 and 1", outcomes, wrong),
        (f"an {INDEX} of 0, 1, 2, …", places, (places < 0) | (places % 1 != 0)),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise OutcomesError(f"{where} {before + row + 1}: wanted {wanted}, got {values[row]:g}")
    known = pa.array(outcomes, mask=np.isnan(outcomes))
    return pa.table([requests, known, pa.array(places.astype(np.int64)).cast(pa.string())], SCHEMA)
