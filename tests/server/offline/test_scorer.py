"""The library: Arrow tables in, the same columns and the scores out, on any thread."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from server.offline.scorer import Scorer, UnfitRowError
from server.offline.table_file import TableError
from tests.conftest import ROOT, Trained


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return Scorer.load(bundle)


@pytest.fixture(scope="module")
def table(trained: Trained) -> pa.Table:
    """Rows of the model with columns that only pass through, in between and in odd types."""
    rows = pa.Table.from_pandas(trained.held_out, preserve_index=False)
    count = rows.num_rows
    passing = {
        "when": pa.array(np.arange(count) * 10**9 + 1, pa.timestamp("ns")),
        "amount": pa.array([Decimal("0.1234567890")] * count, pa.decimal128(38, 10)),
        "big": pa.array([2**64 - 1] * count, pa.uint64()),
        "map": pa.array([[("a", 1)]] * count, pa.map_(pa.string(), pa.int32())),
        "list": pa.array([[1.5, None], None] * (count // 2), pa.list_(pa.float64())),
        "nothing": pa.nulls(count),
        "category": pa.array(["a", "b"] * (count // 2)).dictionary_encode(),
    }
    for place, (name, column) in enumerate(passing.items()):
        field = pa.field(name, column.type, metadata={"of": name})
        rows = rows.add_column(place, field, column)
    return rows.replace_schema_metadata({"written by": "a test"})


def test_scores_are_lightgbms_bits_and_other_columns_stay(
    scorer: Scorer, table: pa.Table, trained: Trained
) -> None:
    scored = scorer.score(table)
    wanted = trained.raw(trained.held_out), trained.prediction(trained.held_out)
    for name, bits in zip(("raw_score", "probability"), wanted, strict=True):
        assert scored.column(name).to_numpy().tobytes() == bits.tobytes()
    assert scored.schema.names == [*table.schema.names, *scorer.added.names]
    for name in table.schema.names:
        assert scored.schema.field(name).equals(table.schema.field(name), check_metadata=True)
        assert scored.column(name).equals(table.column(name).combine_chunks())
    assert scored.schema.metadata == table.schema.metadata


def test_a_record_batch_and_its_slices_score_alike(scorer: Scorer, table: pa.Table) -> None:
    (batch,) = table.combine_chunks().to_batches()
    whole = scorer.score(batch)
    parts = [scorer.score(batch.slice(first, 77)) for first in range(0, batch.num_rows, 77)]
    assert pa.Table.from_batches(parts).combine_chunks() == pa.Table.from_batches([whole])


def test_threads_share_one_scorer(scorer: Scorer, table: pa.Table) -> None:
    (batch,) = table.combine_chunks().to_batches()
    firsts = [i % 900 for i in range(0, 4000, 13)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda first: scorer.score(batch.slice(first, 99)), firsts))
    whole = scorer.score(batch)
    assert found == [whole.slice(first, 99) for first in firsts]


def test_a_table_without_rows_has_its_columns(scorer: Scorer, table: pa.Table) -> None:
    scored = scorer.score(table.slice(0, 0))
    assert (scored.num_rows, scored.schema.names[-1]) == (0, "model")


def test_a_row_the_server_would_refuse_is_named(scorer: Scorer, table: pa.Table) -> None:
    place = table.schema.get_field_index("AGE")
    ages = [*map(str, range(table.num_rows - 1)), "old"]
    with pytest.raises(UnfitRowError, match="row 1000: AGE: wanted a finite number") as caught:
        scorer.score(table.set_column(place, "AGE", pa.array(ages)))
    assert caught.value.row == 999


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda t: t.drop_columns(["AGE"]), "no column for AGE"),
        (lambda t: t.append_column("AGE", t["AGE"]), "more than one column AGE"),
        (lambda t: t.rename_columns({"big": "policy"}), "already has policy"),
    ],
)
def test_a_table_with_other_columns_is_refused(
    scorer: Scorer, table: pa.Table, change: "type[pa.Table]", wanted: str
) -> None:
    with pytest.raises(TableError, match=wanted):
        scorer.score(change(table))


def test_it_loads_without_the_http_stack() -> None:
    code = "import sys, server.offline.scorer; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"starlette", "uvicorn", "httptools", "uvloop", "server.http.app"} & set(loaded)
