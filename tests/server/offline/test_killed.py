"""`python -m server score --resume` after kill -9: complete, and nothing twice."""

from pathlib import Path

from tests.conftest import Trained
from tests.long.kill_score import kill_and_resume


def test_a_run_that_is_killed_at_random_moments_goes_on(
    bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    kill_and_resume(bundle, trained, tmp_path, rounds=4, seed=3)
