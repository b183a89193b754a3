"""Ray Data and Spark, for real: the examples of deploy/ score a folder with LightGBM's bits.

They run in an environment of their own, which `make test-engines-batch` builds.
"""

import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, Trained

BATCH = ROOT / os.environ.get("BATCH", "build/batch")
EXAMPLES = {
    "ray": ["deploy/ray/score_folder.py"], "ray, two actors": ["deploy/ray/score_folder.py", "2"],
    "ray, files": ["deploy/ray/score_files.py", "2"],
    "spark": ["deploy/spark/score_folder.py"], "spark, files": ["deploy/spark/score_files.py"],
}  # fmt: skip
PASSING = ["key", "patchy", "amount", "at"]


@pytest.fixture(scope="module")
def python() -> Path:
    found = BATCH / "bin" / "python"
    imports = "import credit_express, pyspark, ray"
    if not found.exists() or subprocess.run([found, "-c", imports], check=False).returncode:
        pytest.skip(f"{BATCH} has no Ray, Spark and wheel: make test-engines-batch")
    return found


@pytest.fixture(scope="module")
def source(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four parts, with columns that only pass through; NaN is not null in `patchy`."""
    folder = tmp_path_factory.mktemp("book")
    rows = pa.Table.from_pandas(trained.held_out, preserve_index=False)
    count = rows.num_rows
    passing = {
        "key": pa.array(np.arange(count)),
        "patchy": pa.array([None, float("nan"), 0.1, -0.0] * (count // 4), pa.float64()),
        "amount": pa.array([Decimal("0.1234567890")] * count, pa.decimal128(38, 10)),
        "at": pa.array(np.arange(count) * 10**6 + 1, pa.timestamp("us", "UTC")),
    }
    for name, column in passing.items():
        rows = rows.append_column(name, column)
    for first in range(0, count, 250):
        pq.write_table(rows.slice(first, 250), folder / f"part-{first:04}.parquet")
    return folder


def run(python: Path, engine: str, bundle: Path, source: Path, out: Path) -> str:
    """Run an example away from the repository; returns what it said, or skips without Java."""
    if engine.startswith("spark") and not shutil.which("java"):
        pytest.skip("Spark needs a Java runtime: apt install openjdk-17-jre-headless")
    program, *more = EXAMPLES[engine]
    tuned = {"MASTER": "local[2]", "RAY_USAGE_STATS_ENABLED": "0", "PYSPARK_PYTHON": str(python)}
    done = subprocess.run(
        [python, ROOT / program, bundle, source, out, *more], cwd=out.parent,
        env=os.environ | tuned, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("engine", EXAMPLES)
def test_an_engine_scores_a_folder_with_lightgbms_bits(
    engine: str, python: Path, bundle: Path, source: Path, trained: Trained, tmp_path: Path
) -> None:
    assert run(python, engine, bundle, source, tmp_path / "scored") == ""
    scored = pq.read_table(tmp_path / "scored").sort_by("key")
    raw, probability = trained.raw(trained.held_out), trained.prediction(trained.held_out)
    assert scored["raw_score"].to_numpy().tobytes() == raw.tobytes()
    assert scored["probability"].to_numpy().tobytes() == probability.tobytes()
    decided = np.where(probability >= 0.4, "refuse", "approve").tolist()
    assert scored["decision"].to_pylist() == decided
    assert set(scored["model"].to_pylist()) == {"small/1"}
    before = pq.read_table(source).sort_by("key")
    for name in PASSING:
        given, found = before[name].combine_chunks(), scored[name].combine_chunks()
        assert found.is_null().equals(given.is_null())
        assert found.cast(given.type).to_pandas().equals(given.to_pandas())
    patchy = scored["patchy"].combine_chunks().drop_null().to_numpy()
    wanted = np.array([float("nan"), 0.1, -0.0] * 250)
    assert np.array_equal(patchy, wanted, equal_nan=True)
    assert (np.signbit(patchy) == np.signbit(wanted)).all()


@pytest.mark.parametrize("engine", ["ray", "ray, files", "spark", "spark, files"])
def test_a_row_that_cannot_be_scored_is_named(
    engine: str, python: Path, bundle: Path, trained: Trained, tmp_path: Path
) -> None:
    rows = trained.held_out.head(20).astype({"AGE": object})
    rows["AGE"] = [*map(str, range(19)), "old"]
    (tmp_path / "in").mkdir()
    pd.DataFrame(rows).to_parquet(tmp_path / "in" / "part.parquet")
    said = run(python, engine, bundle, tmp_path / "in", tmp_path / "scored")
    assert 'AGE: wanted a finite number, got "old"' in said
