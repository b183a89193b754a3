"""The cost of the contract: measured for real, and the document's table is the committed result."""

from pathlib import Path

from bench import result
from bench.contract_cost import DOCUMENT, MODES, NAME, measure, table
from bench.marks import filled
from tests.conftest import Trained


def test_the_table_in_the_document_is_rendered_from_the_committed_result() -> None:
    document, measured = DOCUMENT.read_text(), result.read(NAME)
    assert measured is not None
    assert filled(document, NAME, table(measured)) == document


def test_measuring_gives_a_figure_for_every_mode(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    """Every answer is a 200, with a key and without, or measuring fails."""
    trained.held_out.to_parquet(tmp_path / "rows.parquet")
    rows = measure(bundle, tmp_path / "rows.parquet", rounds=1, seconds=1)
    [row] = rows
    assert set(row) == set(MODES)
    assert min(row.values()) > 0
    made = result.make("contract_cost", True, {"seconds": 1}, rows * 2)
    assert table(made).count("\n| ") == len(MODES)
