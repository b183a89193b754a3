"""The wheel: one import package with one command, and the same bits from it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, Serve, environment

pytestmark = pytest.mark.slow

BUNDLE = ROOT / "models" / "credit-express" / "1"
ROWS = ROOT / "models" / "credit-express" / "held-out.parquet"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, ROOT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "No matching distribution found for hatchling" in done.stdout + done.stderr:
        pytest.skip("hatchling, which builds the wheel, could not be fetched")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed; what it depends on is this environment's."""
    folder = tmp_path_factory.mktemp("site")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run([sys.executable, *install], check=True, capture_output=True)
    return folder


def run(site: Path, *arguments: str, code: int = 0) -> str:
    """Run the console script, away from the repository."""
    done = subprocess.run(
        [sys.executable, site / "bin" / "credit-express", *arguments], cwd=site,
        env=environment() | {"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_it_brings_one_import_package_and_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    (about,) = {name.split("/")[0] for name in names} - {"credit_express"}
    assert about.endswith(".dist-info")
    assert f"{about}/licenses/LICENSE" in names


def test_with_the_native_engine_it_is_for_every_python_of_one_platform(wheel: Path) -> None:
    built = any(name.endswith("_kernel.abi3.so") for name in zipfile.ZipFile(wheel).namelist())
    assert ("-cp311-abi3-linux_" if built else "-py3-none-any") in wheel.name


def test_its_command_scores_with_lightgbms_bits(site: Path, tmp_path: Path) -> None:
    run(site, "serve", "--check", "--model", str(BUNDLE))
    run(site, "score", "--model", str(BUNDLE), str(ROWS), "-o", str(tmp_path / "scored.parquet"))
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    booster = lgb.Booster(model_file=BUNDLE / "model.txt")
    features = json.loads((BUNDLE / "manifest.json").read_text())["features"]
    nominal = [each["name"] for each in features if each["type"] == "category"]
    rows = pd.read_parquet(ROWS)[booster.feature_name()].astype(dict.fromkeys(nominal, "category"))
    raw = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    assert scored["raw_score"].to_numpy().tobytes() == raw.tobytes()


def test_it_converts_and_replays_a_log(site: Path, serve: Serve, tmp_path: Path) -> None:
    models, log = tmp_path / "models", tmp_path / "log"
    made = ["--name", "m", "--version", "1", "--out", str(models)]
    run(site, "convert", str(BUNDLE / "model.txt"), *made)
    log.mkdir()
    applicant = (BUNDLE.parent / "applicant.json").read_bytes()
    with serve(models / "m" / "1", log) as up:
        head = {"Content-Type": "application/json"}
        httpx.post(f"{up.url}/score", content=applicant, headers=head).raise_for_status()
    said = run(site, "monitor", "replay", "--log", str(log), "--models", str(models))
    assert "m/1: 1 of 1 bit-identical" in said


def test_its_help_names_its_own_command(site: Path) -> None:
    assert "usage: credit-express VERB" in run(site, "--help")
    assert "usage: credit-express VERB" in run(site, "frob", code=2)
    assert "usage: credit-express monitor COMMAND" in run(site, "monitor", "--help")
    for verb in (["serve"], ["score"], ["key"], ["convert"], ["monitor", "drift"]):
        said = run(site, *verb, "--help")
        assert said.startswith(f"usage: credit-express {verb[0]}")
        assert "python -m server" not in said


def test_a_verb_whose_packages_are_missing_says_how_to_get_them(site: Path) -> None:
    """Without site-packages there is the standard library alone."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "credit_express", "convert", __file__, "--name", "m",
         "--version", "1", "--out", str(site / "out")],
        env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "pip install 'credit-express[convert]'" in done.stderr
