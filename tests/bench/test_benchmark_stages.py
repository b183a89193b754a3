"""The parts under pytest-benchmark run, each once, and `make bench-parts` finds all of them."""

import subprocess
import sys
from pathlib import Path

from bench import stages

ROOT = Path(__file__).parents[2]
FILE = "bench/benchmark_stages.py"


def test_every_part_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", FILE, "--benchmark-disable"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def test_the_parts_are_stages_of_the_budget() -> None:
    source = (ROOT / FILE).read_text()
    named = {line[9:].partition("(")[0] for line in source.splitlines() if line[:9] == "def test_"}
    assert named - {"whole_request"} <= set(stages.STAGES)
    assert len(named) == 7
