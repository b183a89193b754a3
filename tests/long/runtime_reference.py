"""Score the files of tests/long/runtime_cases.py by onnx's reference evaluator.

`python -m tests.long.runtime_reference CASES`: it is the ONNX project's own reading of the
operators, and shares no code with onnxruntime.
"""

import json
import sys
from pathlib import Path
from typing import Any

import onnx
from onnx.reference import ReferenceEvaluator

from tests.long.runtime_rows import case_of, wrong

# It walks the trees in Python: golden rows come first.
ROWS = 48


def main(folder: Path) -> int:
    """Print a line per model; return 1 where any bit differs."""
    cases, bad = json.loads((folder / "cases.json").read_bytes()), 0
    for case in cases:
        model, X, wanted = case_of(folder, case)
        evaluator: Any = ReferenceEvaluator(onnx.load(model))
        found = evaluator.run(None, {"X": X[:ROWS]})[0]
        off = wrong(found, wanted[:ROWS])
        bad += off
        print(f"{case['name']}: reference evaluator, {len(found)} rows, {off} differ", flush=True)
    print(f"reference evaluator: {len(cases)} models, {bad} failures")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
