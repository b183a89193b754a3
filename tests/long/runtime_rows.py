"""Score the files of tests/long/runtime_cases.py here, by onnxruntime and by the native engine.

`python -m tests.long.runtime_rows CASES`, on any processor, with the server's packages alone: every
bit has to be LightGBM's, whatever machine that ran on.
"""

import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from server.bundle.manifest import Missing, Number
from server.engine.native.engine import Native, is_built
from server.engine.native.trees import NotNativeError, read_trees
from server.engine.session import Session

Floats = npt.NDArray[np.float64]
Case = dict[str, Any]


def case_of(folder: Path, case: Case) -> tuple[Path, Floats, Floats]:
    """Return the model, the rows [N, F] and LightGBM's raw scores [N, K]."""
    X = np.fromfile(folder / f"{case['file']}.rows", "<f8").reshape(-1, case["features"])
    raw = np.fromfile(folder / f"{case['file']}.raw", "<f8").reshape(-1, case["outputs"])
    return folder / f"{case['file']}.onnx", X, raw


def wrong(found: Floats, wanted: Floats) -> int:
    """Count the rows of which some bit differs; any NaN is as good as another: arm64's are +."""
    same = (found.view(np.int64) == wanted.view(np.int64)) | (np.isnan(found) & np.isnan(wanted))
    return int((~same).any(axis=1).sum())


def alone(engine: Session | Native, X: Floats) -> Floats:
    """Score row by row, as a request does."""
    found = []
    for row in X:
        engine.row[:] = row
        engine.score_row()
        found.append(engine.raw.copy())
    return np.array(found)


def engines(model: Path, case: Case) -> Iterator[Session | Native]:
    """Yield the engines that take the model."""
    yield Session(model, case["features"], case["outputs"])
    features = [Number(f"f{i}", Missing(True, "trained")) for i in range(case["features"])]
    try:
        yield Native(read_trees(model.read_bytes()), features, case["outputs"])
    except NotNativeError as error:
        print(f"  not native: {error}")


def main(folder: Path) -> int:
    """Print a line per model; return 1 where any bit differs or the native engine is not there."""
    cases: list[Case] = json.loads((folder / "cases.json").read_bytes())
    bad = int(not is_built())
    scored = {"onnxruntime": 0, "native": 0}
    for case in cases:
        model, X, wanted = case_of(folder, case)
        for engine in engines(model, case):
            off = wrong(engine.score_block(X), wanted) + wrong(alone(engine, X), wanted)
            bad += off
            scored[engine.name] += 1
            print(f"{case['name']}: {engine.name}, {len(X)} rows, {off} differ", flush=True)
    print(f"{platform.machine()}: {scored}, {bad} failures")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
