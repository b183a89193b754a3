"""Before and after: real servers step by step, each told by its figures."""

import sys
from pathlib import Path

import pytest

from bench import environments
from bench.load import steps
from bench.load.effort import Effort
from bench.workload import models

HERE = ("starlette_msgspec", steps.SERVER)  # what our own environment can run, too


@pytest.fixture
def built_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our own environment stand for those whose packages it holds; no other is built."""
    for name in HERE:
        home = tmp_path / name
        home.mkdir()
        for part in ("bin", "lib", "pyvenv.cfg"):
            (home / part).symlink_to(Path(sys.prefix) / part)
        wanted = (environments.PEERS / name / "requirements.txt").read_bytes()
        (home / "installed.txt").write_bytes(wanted)
    monkeypatch.setattr(environments, "BUILD", tmp_path)
    monkeypatch.setattr(steps, "ENVIRONMENTS", HERE)
    chosen = tuple(each for each in steps.STEPS if each.environment in HERE)
    broken = steps.Step("absent", "not built", "fastapi_written")
    monkeypatch.setattr(steps, "STEPS", (broken, *chosen))


@pytest.mark.usefixtures("built_here")
def test_every_step_answers_as_lightgbm_and_who_is_not_built_is_named(
    workload: models.Workload,
) -> None:
    absent, *rows = steps.measure(workload, Effort(1, 1, ()), 1)
    assert "no environment" in absent["error"]
    assert [row["label"] for row in rows] == [each.label for each in steps.STEPS[1:]]
    for row in rows:
        assert row["different"] == row["flips"] == row["failed"] == 0
        assert row["compared"] == 2 * steps.COMPARED
        assert min(row[key] for key in ("per_second", "p50_us", "memory_mib", "start_s")) > 0
        assert row["packages_mib"] > 1


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda each: each.name)
def test_a_step_answers_where_its_environment_is_built(
    workload: models.Workload, step: steps.Step
) -> None:
    if environments.python_of(step.environment) is None:
        pytest.skip(f"build/peers/{step.environment} is not built: make bench-peers")
    row = steps.alone(steps.subject(step, workload), workload, 1)
    assert "error" not in row
    assert (row["different"] == 0) == (step.name != "onnxmltools"), "single precision"


def test_the_last_step_is_this_server_as_it_is_by_default() -> None:
    assert (steps.STEPS[-1].environment, steps.STEPS[-1].flags) == (steps.SERVER, ())
