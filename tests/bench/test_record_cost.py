"""The cost of the record: measured for real, and the document's table is the committed result."""

import json
from pathlib import Path

import pytest

from bench.marks import filled
from bench.record_cost import DOCUMENT, MODES, NAME, RESULTS, measure, table
from tests.conftest import Trained

pytestmark = pytest.mark.slow


def test_the_table_in_the_document_is_rendered_from_the_committed_results() -> None:
    document = DOCUMENT.read_text()
    assert filled(document, NAME, table(json.loads(RESULTS.read_text()))) == document


def test_measuring_gives_figures_for_every_mode(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    trained.held_out.to_parquet(tmp_path / "rows.parquet")
    result = measure(bundle, tmp_path / "rows.parquet", rounds=1, seconds=1)
    [found] = result["rounds"]
    assert set(found) == set(MODES)
    assert all(figure > 0 for mode in found.values() for figure in mode.values())
    assert table({**result, "rounds": [found] * 2}).count("\n| ") == len(MODES)
