"""Files of rows, with no bundle and no log: what is read, and how."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring.__main__ import main
from monitoring.drift.run import count
from monitoring.rows.errors import BadCurrentError
from monitoring.rows.files import from_file
from monitoring.rows.tables import Table
from monitoring.rows.tally import total
from tests.drift_files import portfolio_frame, rows, write_bundle


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_the_format_of_the_file_does_not_matter(tmp_path: Path, suffix: str) -> None:
    """The same counts, to the row."""
    frame = portfolio_frame(3000, 0)
    path = tmp_path / f"rows.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    frame.to_parquet(tmp_path / "plain.parquet")
    expected, reference = from_file(str(tmp_path / "plain.parquet")), from_file(str(path))
    assert [c.name for c in reference.columns] == list(frame.columns)
    for mine, theirs in zip(reference.tally.columns, expected.tally.columns, strict=True):
        assert mine.bins.tolist() == theirs.bins.tolist()
        assert mine.rows == 3000


def test_a_file_compared_with_itself_counts_alike(tmp_path: Path) -> None:
    """Read in blocks or whole, each value meets its own bin."""
    portfolio_frame(5000, 0).to_parquet(tmp_path / "rows.parquet", row_group_size=700)
    reference = from_file(str(tmp_path / "rows.parquet"))
    days = count(Table(str(tmp_path / "rows.parquet"), reference.columns), reference)
    again = total(days.values(), reference.columns, reference.score_edges)
    for mine, theirs in zip(again.columns, reference.tally.columns, strict=True):
        assert mine.bins.tolist() == theirs.bins.tolist()
        assert mine.outside == 0


def test_identifiers_are_left_out_and_named(tmp_path: Path) -> None:
    frame = portfolio_frame(3000, 0).assign(id=[f"customer-{i}" for i in range(3000)])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    reference = from_file(str(tmp_path / "rows.csv"))
    assert "id" not in [c.name for c in reference.columns]
    assert any(note.startswith("id: ") for note in reference.notes)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    portfolio_frame(300, 0).to_csv(tmp_path / "rows.csv", index=False)
    reference = from_file(str(tmp_path / "rows.csv"))
    pd.DataFrame({"few": [1], "x": [2]}).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(BadCurrentError, match="is this a file for another model"):
        Table(str(tmp_path / "other.csv"), reference.columns)


def test_a_numeric_category_is_the_same_in_csv_and_parquet(tmp_path: Path) -> None:
    """1, 1.0 and "1" name one category."""
    frame = pd.DataFrame({"kind": pd.Series(["1", "2", None, "3"]), "x": [1.0, 2.0, 3.0, 4.0]})
    frame.to_parquet(tmp_path / "rows.parquet")
    reference = from_file(str(tmp_path / "rows.parquet"))
    pd.DataFrame({"kind": [1.0, 2.0, np.nan, 7.0], "x": 1.0}).to_csv(
        tmp_path / "now.csv", index=False
    )
    days = count(Table(str(tmp_path / "now.csv"), reference.columns), reference)
    assert days[""].columns[0].bins.tolist() == [1, 1, 0, 1, 1]


def test_money_kept_as_decimals_is_a_number(tmp_path: Path) -> None:
    """As a database exports it; as text it would be left out for its many values."""
    amounts = pa.array([Decimal(i) / 4 for i in range(2000)])
    pq.write_table(pa.table({"amount": amounts}), tmp_path / "rows.parquet")
    (column,) = from_file(str(tmp_path / "rows.parquet")).columns
    assert (column.kind, column.low, column.high) == ("number", 0.0, 499.75)


def test_dates_are_left_out_and_named(tmp_path: Path) -> None:
    """Every day is one that was never seen before: that is no drift."""
    days = pd.date_range("2026-01-01", periods=3000, freq="h")
    frame = portfolio_frame(3000, 0).assign(at=days, on=days.strftime("%Y-%m-%d"))
    frame.to_csv(tmp_path / "rows.csv", index=False)
    reference = from_file(str(tmp_path / "rows.csv"))
    assert not {"at", "on"} & {column.name for column in reference.columns}
    assert {"at", "on"} <= set(reference.left_out)
    assert sum("neither number nor category" in note for note in reference.notes) == 2


def test_lists_are_left_out_and_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1.0, 2.0], "many": [[1.0], [2.0]]}), tmp_path / "rows.parquet")
    reference = from_file(str(tmp_path / "rows.parquet"))
    assert [column.name for column in reference.columns] == ["x"]
    assert "many" in reference.notes[0]


def test_what_was_left_out_is_not_called_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = portfolio_frame(300, 0).assign(id=range(300))
    frame.to_csv(tmp_path / "rows.csv", index=False)
    files = ["--reference", str(tmp_path / "rows.csv"), "--current", str(tmp_path / "rows.csv")]
    assert main(["drift", *files, "--ignore", "id"]) == 0
    assert "not in the reference" not in capsys.readouterr().out


def test_a_long_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    """Arrow would read ahead and keep every row group: here 26 MB of random numbers in forty."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.random((800_000, 4)), columns=list("abcd"))
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=20_000)
    reference = from_file(str(tmp_path / "rows.parquet"))
    before = pa.total_allocated_bytes()
    held = [
        pa.total_allocated_bytes() - before
        for _ in Table(str(tmp_path / "rows.parquet"), reference.columns).blocks()
    ]
    assert len(held) > 10
    assert max(held) < 800_000 * 4 * 8 / 3


def test_the_output_of_server_score_has_its_scores_read(tmp_path: Path) -> None:
    """It calls them `probability`."""
    model = write_bundle(tmp_path / "tiny" / "1", rows(2000, 0))
    frame = rows(1500, 1).assign(KIND="car", probability=0.99)
    frame.to_parquet(tmp_path / "scored.parquet")
    assert main(["drift", "--model", str(model), "--current", str(tmp_path / "scored.parquet"),
                 "--no-report", "--out", str(tmp_path / "out")]) == 1  # fmt: skip
    said = json.loads((tmp_path / "out" / "drift.json").read_bytes())
    assert said["score"]["drifted"]
