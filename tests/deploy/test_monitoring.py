"""The image of the drift job: what its Dockerfile copies is allowed in, and enough for the job."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from tests.conftest import ROOT, Serve, environment

pytestmark = pytest.mark.slow

FOLDER = ROOT / "deploy" / "monitoring"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
MODEL = ROOT / "models" / "credit-express" / "1"
LINES = DOCKERFILE.replace("\\\n", " ")
COPIED = " ".join(re.findall(r"^COPY (.+) \S+$", LINES, re.M)).split()


def test_the_build_context_holds_what_is_copied_and_no_more() -> None:
    rules = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [rule for rule in rules if not rule.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == set(COPIED)
    assert all((ROOT / each).exists() for each in COPIED)


def test_every_file_that_monitoring_links_to_is_copied() -> None:
    links = [path.resolve() for path in (ROOT / "monitoring").rglob("*.py") if path.is_symlink()]
    assert {str(path.relative_to(ROOT)) for path in links} == {
        each for each in COPIED if each.endswith(".py")
    }


def test_the_image_runs_as_nobody_and_checks_every_wheel() -> None:
    assert "USER 65532:65532\n" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE
    assert "--only-binary :all:" in DOCKERFILE


def test_what_is_copied_is_enough_for_the_scheduled_job(serve: Serve, tmp_path: Path) -> None:
    """The cron job's arguments after the entry point, its places put where this test may write."""
    applicant = json.loads((MODEL.parent / "applicant.json").read_bytes())
    log, app, out = tmp_path / "log", tmp_path / "app", tmp_path / "drift"
    log.mkdir()
    with serve(MODEL, log) as up:
        httpx.post(f"{up.url}/score", json=[applicant] * 500).raise_for_status()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "monitoring", app / "monitoring", symlinks=True, ignore=ignored)
    for linked in (each for each in COPIED if each.startswith("server/")):
        (app / linked).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / linked, app / linked)
    entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.M)[0])
    done = subprocess.run(
        [sys.executable, *entry[1:], *scheduled({"/models": MODEL.parents[1], "/log": log,
                                                 "/drift": out})],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=environment() | {"PYTHONPATH": str(app), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "drift.json").read_bytes())["rows"]["current"] == 500
    assert (out / "drift.prom").exists()


def scheduled(places: dict[str, Path]) -> list[str]:
    """Return the job's verb and arguments, with other folders."""
    job = yaml.safe_load((ROOT / "deploy" / "schedule" / "cronjob.yaml").read_text())
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    given = [*container["command"][3:], *container["args"]]
    for place, folder in places.items():
        given = [re.sub(f"={place}\\b", f"={folder}", each) for each in given]
    return given
