"""Column by column or row by row: the same numbers and the same faults, of every Arrow type."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from server.offline.columns import FeatureColumns
from server.scoring import model as models
from server.scoring.model import Model
from tests.server.offline.arrow_cells import CELLS, by_column, drawn, one_by_one, usual

ROWS = 1500


@pytest.fixture(scope="module")
def model(bundle: Path) -> Model:
    return models.load(bundle)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("name", ["AGE", "INCOME", "KIND", "REGION"])
def test_a_column_of_any_type_is_read_as_its_cells_are(model: Model, kind: str, name: str) -> None:
    draw = np.random.default_rng(len(kind))
    batch = pa.record_batch({**usual(ROWS, draw), name: drawn(kind, ROWS, draw)})
    assert by_column(model, batch) == list(one_by_one(model, batch))


def test_the_first_fault_of_a_row_is_that_of_the_first_feature(model: Model) -> None:
    batch = pa.record_batch(
        {"KIND": ["nope", "car"], "REGION": [1, 1], "DEBT-RATIO": [0.5, 0.5],
         "INCOME": [1.0, 1.0], "AGE": ["x", "7"]}
    )  # fmt: skip
    _, faults = FeatureColumns(model.manifest.features).sent(batch)
    assert list(faults) == [0]
    assert faults[0].startswith("AGE: wanted a finite number")
