"""Writing: on a thread of its own, and with dictionaries only where they make a column shorter."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server.offline import write
from server.offline.batches import shortened
from server.offline.score_file import Ways, score_file
from server.offline.scorer import Scorer
from server.offline.table_file import TableError
from tests.conftest import Trained
from tests.server.command import run


def numbered(number: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"number": [number]})


def test_batches_are_written_behind_in_the_order_they_came() -> None:
    written: list[pa.RecordBatch] = []
    with write.behind(written.append) as put:
        for number in range(50):
            put(numbered(number))
    assert [each["number"][0].as_py() for each in written] == [*range(50)]


@pytest.mark.parametrize("more", [0, 20])
def test_what_fails_behind_is_raised_before_the_file_appears(more: int, tmp_path: Path) -> None:
    """At the end at the latest, after a last batch or after many more."""
    file = tmp_path / "out.parquet"
    batch = pa.RecordBatch.from_pydict({"other": ["x"]})

    def fails(_: pa.RecordBatch) -> None:
        raise OSError(28, "No space left on device")

    def write_all() -> None:
        with write.writing(file, batch.schema), write.behind(fails) as put:
            for _ in range(1 + more):
                put(batch)

    with pytest.raises(TableError, match=r"out\.parquet: No space left"):
        write_all()
    assert not any(tmp_path.iterdir())


def test_a_column_keeps_its_dictionary_where_that_makes_it_shorter(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    rows = trained.held_out.assign(few=rng.integers(0, 3, 1000) / 7, many=rng.normal(size=1000))
    rows.to_parquet(tmp_path / "in.parquet")
    assert {"few", "many"} & {*(shortened(tmp_path / "in.parquet") or ())} == {"few"}
    score_file(Scorer.load(bundle), tmp_path / "in.parquet", tmp_path / "out.parquet", Ways())
    group = pq.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0)
    chunks = map(group.column, range(group.num_columns))
    held = {each.path_in_schema for each in chunks if "RLE_DICTIONARY" in each.encodings}
    assert held >= {"few", "decision", "model"}
    assert not held & {"many", "raw_score", "probability"}


def test_a_file_that_says_nothing_of_its_columns_leaves_it_to_the_writer(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a\n1\n")
    assert shortened(tmp_path / "in.csv") is None
    pq.write_table(pa.table({"a": pa.array([], pa.float64())}), tmp_path / "empty.parquet")
    assert "a" not in (shortened(tmp_path / "empty.parquet") or ())


def test_scoring_a_file_loads_no_pandas(bundle: Path, trained: Trained, tmp_path: Path) -> None:
    """Which pyarrow would do, at the price of a hundred thousand rows."""
    trained.held_out.to_parquet(tmp_path / "in.parquet")
    done = run(
        "score", "--model", str(bundle), str(tmp_path / "in.parquet"), "-o",
        str(tmp_path / "out.parquet"), PYTHONPROFILEIMPORTTIME="1",
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pyarrow" in loaded
    assert find_spec("pandas"), "it is installed here"
    assert not [name for name in loaded if name.startswith("pandas.")]
