"""The compiled kernel on its own: what it is handed is compared with its bounds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.bundle.reading import read_manifest
from server.engine.native import engine
from server.engine.native.trees import read_trees
from tests.native_kernel import needs_kernel
from tests.server.engine.native.two_trees import SLOTS, F, Kernel, arguments, i64

pytestmark = needs_kernel


@pytest.mark.parametrize(
    ("row", "wanted"),
    [((0.0, 0.0), 1.0), ((1.0, 9.0), 4.0), ((1.0, 0.0), 2.0), ((3.0, 9.0), 12.0),
     ((3.9, 9.0), 12.0), ((np.nan, 0.0), 1.0), ((-np.inf, 0.0), 1.0), ((1e300, 2.0), 2.0)],
)  # fmt: skip
def test_a_row_ends_in_its_leaves(row: tuple[float, float], wanted: float) -> None:
    given = arguments()
    kernel = Kernel(**given)
    given["row"][:] = row
    kernel.score_row()
    assert given["raw"].tolist() == [wanted]


BROKEN: dict[str, dict[str, Any]] = {
    "a root beyond the splits": {"roots": i64(0, 3)},
    "a root that is a leaf": {"roots": i64(0, -1)},
    "a root far beyond": {"roots": i64(0, 1 << 62)},
    "a child beyond the splits": {"yes": i64(3, -2, -5)},
    "a leaf beyond the leaves": {"yes": i64(1, -6, -5)},
    "the least child there is": {"yes": i64(1, -(1 << 63), -5)},
    "a split below itself": {"yes": i64(0, -2, -5)},
    "a split that leads back to its parent": {"yes": i64(1, 0, -5)},
    "a split below two parents": {"no": i64(1, -3, -4)},
    "a split in two trees": {"roots": i64(0, 1)},
    "a target beyond the outputs": {"targets": i64(0, 1)},
    "a target below 0": {"targets": i64(0, -1)},
    "slot 0": {"slot": i64(0, 2, 7)},
    "a slot beyond the last": {"slot": i64(1, SLOTS, 7)},
    "a threshold that is NaN": {"threshold": np.array([0.5, np.nan, 0.5])},
    "fewer thresholds than splits": {"threshold": np.zeros(2)},
    "fewer children than splits": {"no": i64(-1, -3)},
    "fewer targets than trees": {"targets": i64(0)},
    "half a value": {"leaf": np.zeros(39, np.uint8)},
    "no features": {"features": 0},
    "features below 0": {"features": -1},
    "features beyond memory": {"features": 1 << 40},
    "outputs beyond memory": {"outputs": 1 << 40},
    "slots beyond memory": {"slots": 1 << 62},
    "fewer slots than features need": {"slots": 3},
    "a row of another length": {"row": np.zeros(3)},
    "a raw score of another length": {"raw": np.zeros(2)},
    "a category of a feature beyond": {"categories": [(2, 7, 1, i64(3), np.zeros(2))]},
    "a category before its slots": {"categories": [(0, 6, 1, i64(3), np.zeros(2))]},
    "a category beyond the slots": {"categories": [(0, 7, 2, i64(3), np.zeros(2))]},
    "a category of a feature below 0": {"categories": [(-1, 7, 1, i64(3), np.zeros(2))]},
    "a category without sets": {"categories": [(0, 7, 0, i64(3), np.zeros(2))]},
    "sets beyond memory": {"categories": [(0, 7, 1 << 62, i64(3), np.zeros(2))]},
    "fewer rows of bits than codes": {"categories": [(0, 7, 1, i64(3, 4), np.zeros(2))]},
    "no row for unknown codes": {"categories": [(0, 7, 1, i64(), np.zeros(0))]},
    "half a code": {"categories": [(0, 7, 1, np.zeros(4, np.uint8), np.zeros(1))]},
    "fewer fillers than features": {"fillers": [(None, 0.0, 0.0, 0.0, False)]},
    "codes that are no dict": {"fillers": [((), 0.0, 0.0, 0.0, False)] * 2},
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_out_of_bounds_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Kernel(**(arguments() | BROKEN[name]))


@pytest.mark.parametrize(
    "odd",
    [{"categories": [()]}, {"categories": ()}, {"fillers": [(), ()]}, {"roots": "text"},
     {"row": b"0" * 16}, {"categories": [(0, 7, 1, None, None)]}],
)  # fmt: skip
def test_what_is_of_another_type_is_a_type_error(odd: dict[str, Any]) -> None:
    """Bytes cannot be written into: BufferError or TypeError, as Python's own parser decides."""
    with pytest.raises((TypeError, BufferError)):
        Kernel(**(arguments() | odd))


def test_a_block_of_another_shape_is_a_value_error() -> None:
    kernel = Kernel(**arguments())
    for rows, raw in ((np.zeros(3), np.zeros(1)), (np.zeros((2, F)), np.zeros(1))):
        with pytest.raises(ValueError, match="wanted rows"):
            kernel.score_block(rows, raw)
    kernel.score_block(np.zeros((0, F)), np.zeros(0))


small = st.integers(-8, 12)
index = st.one_of(small, small, small, st.integers(-(1 << 63), (1 << 63) - 1))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_random_arrays_are_refused_or_scored(data: st.DataObject) -> None:
    """Without a crash, which the sanitizers of test_server_native_build look for as well."""
    splits, trees = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 3))

    def drawn(count: int, values: st.SearchStrategy[int] = index) -> Any:
        return i64(*data.draw(st.lists(values, min_size=count, max_size=count)))

    given = arguments() | {
        "roots": drawn(trees), "targets": drawn(trees, st.integers(0, 1)),
        "slot": drawn(splits, st.integers(0, SLOTS)), "threshold": np.zeros(splits),
        "yes": drawn(splits), "no": drawn(splits),
    }  # fmt: skip
    try:
        kernel = Kernel(**given)
    except ValueError:
        return
    kernel.score_row()
    assert np.isfinite(given["raw"]).all()


def test_the_committed_models_golden_rows_are_met() -> None:
    home = Path(__file__).parents[4] / "models" / "credit-express" / "1"
    manifest = read_manifest(home / "manifest.json")
    golden = json.loads((home / "golden.json").read_bytes())["rows"]
    native = engine.Native(read_trees((home / "model.onnx").read_bytes()), manifest.features, 1)
    rows = np.array([each["row"] for each in golden], dtype=np.float64)
    wanted = np.array([each["raw"] for each in golden])
    assert native.score_block(rows).tobytes() == wanted.tobytes()
