"""Contributions of a million rows add up to their scores: `make contributions-long`.

`python -m tests.long.contributions_long ROWS BUNDLE...`: rows between the bundle's own reference
rows, and on its splits.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from server.engine.native.agreement import rows as made_rows
from server.engine.native.trees import read_trees
from server.scoring.model import load

CHUNK = 5_000
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def drawn(bundle: Path, count: int) -> Iterator[Floats]:
    """Yield rows as the model sees them: each value of a golden row, or one that a split asks."""
    golden = json.loads((bundle / "golden.json").read_bytes())["rows"]
    pool = made_rows(
        read_trees((bundle / "model.onnx").read_bytes()),
        np.array([each["row"] for each in golden], np.float64),
    )
    rng = np.random.default_rng(3)
    for start in range(0, count, CHUNK):
        some = rng.integers(len(pool), size=(min(CHUNK, count - start), pool.shape[1]))
        yield pool[some, np.arange(pool.shape[1])]


def examine(bundle: Path, count: int) -> float:
    """Return the largest difference between a sum and its score, relative to 1 and the score."""
    model = load(bundle)
    assert model.contributions is not None
    largest, divide_by = 0.0, model.manifest.transform.divide_by
    for rows in drawn(bundle, count):
        raw = model.engine.score_block(rows) / divide_by
        sums = model.contributions.of(rows).sum(axis=2)
        largest = max(largest, float((np.abs(sums - raw) / (1 + np.abs(raw))).max()))
    return largest


def main(count: int, bundles: list[Path]) -> int:
    """Print a line per bundle; return 1 where a sum is off by more than 1e-9."""
    found = {bundle: examine(bundle, count) for bundle in bundles}
    for bundle, largest in found.items():
        print(f"{count} rows {bundle}: sums miss the raw score by {largest:.1e} at most")
    return int(max(found.values()) > 1e-9)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]), [Path(each) for each in sys.argv[2:]]))
