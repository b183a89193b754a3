"""Damaged bundles, drawn from seeds: each is served as before or refused in one line."""

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, environment

SEEDS = 150


def test_a_damaged_bundle_is_one_line(bundle: Path) -> None:
    """In a process of its own, which forks without pytest's threads; the longer form is 800."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bundle_damage", str(SEEDS), str(bundle)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    ends = json.loads(done.stdout)
    assert ends["wrong"] == []
    assert ends["model: refused"] > 20
    assert ends["manifest: refused"] > 20
