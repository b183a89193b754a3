"""Measure Ray and Spark beside server score, into bench/results/portfolio_engines.json.

example: make test-engines-batch, then python -m bench.portfolio.engines
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import pyarrow.parquet as pq

from .. import result
from ..host import ROOT
from ..progress import say
from ..result import Row
from ..workload import models
from ..workload.demo import Demo
from ..workload.models import Size
from . import book

PYTHON = ROOT / "build" / "batch" / "bin" / "python"
SCORE, RAY, SPARK = "server score, 2 threads", "Ray Data, 2 actors", "Spark, local[2]"
RAY_FILES, SPARK_FILES = "Ray, 2 tasks, whole files", "Spark, local[2], whole files"


def measure(few: int, many: int, rounds: int) -> list[Row]:
    """Return a row for each way: rows a second once warm, from a small book and a large one.

    Of each the least time of all rounds counts; raises RuntimeError where noise hides the rows.
    """
    workload = models.build(models.DEMO)
    with tempfile.TemporaryDirectory() as name:
        sources = {count: parts(workload.size, Path(name), count) for count in (few, many)}
        rows: list[Row] = []
        for way in (SCORE, RAY_FILES, SPARK_FILES, RAY, SPARK):
            taken = [
                min(seconds(way, workload.bundle, source) for _ in range(rounds))
                for source in sources.values()
            ]
            if taken[1] <= taken[0]:
                raise RuntimeError(f"{way}: more rows took less time: the machine is too busy")
            warm = (many - few) / (taken[1] - taken[0])
            rows.append({"label": way, "few_s": taken[0], "many_s": taken[1], "per_s": warm})
        for row in rows:
            row["of_score"] = row["per_s"] / rows[0]["per_s"]
    return [{"model": workload.size.name, "few": few, "many": many, **row} for row in rows]


def parts(size: Size | Demo, folder: Path, count: int) -> Path:
    """Write a book as a folder of parts."""
    whole, source = folder / f"{count}.parquet", folder / f"{count}"
    book.write(size, count, whole)
    source.mkdir()
    for number, batch in enumerate(pq.ParquetFile(whole).iter_batches(book.PART_ROWS)):
        with pq.ParquetWriter(source / f"part-{number:03}.parquet", batch.schema) as out:
            out.write_batch(batch)
    whole.unlink()
    return source


def seconds(way: str, bundle: Path, source: Path) -> float:
    """Score a folder into one beside it, start and end included; raises CalledProcessError."""
    say(f"{way}, {source.name} rows")
    out = source.with_name(f"{source.name} {way}")
    shutil.rmtree(out, ignore_errors=True)
    commands: dict[str, list[str | Path]] = {
        SCORE: [sys.executable, "-m", "server", "score", "--threads", "2", "--model", bundle,
                source, "-o", out],
        RAY: [PYTHON, ROOT / "deploy/ray/score_folder.py", bundle, source, out, "2"],
        RAY_FILES: [PYTHON, ROOT / "deploy/ray/score_files.py", bundle, source, out, "2"],
        SPARK: [PYTHON, ROOT / "deploy/spark/score_folder.py", bundle, source, out],
        SPARK_FILES: [PYTHON, ROOT / "deploy/spark/score_files.py", bundle, source, out],
    }  # fmt: skip
    tuned = {"MASTER": "local[2]", "RAY_USAGE_STATS_ENABLED": "0", "PYSPARK_PYTHON": str(PYTHON)}
    away = ROOT if way == SCORE else source.parent
    began = perf_counter()
    subprocess.run(commands[way], cwd=away, env=os.environ | tuned, capture_output=True, check=True)
    return perf_counter() - began


def main(arguments: Sequence[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        "python -m bench.portfolio.engines", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--rows", type=int, nargs=2, default=(200_000, 2_200_000))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=result.FOLDER, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    if not PYTHON.exists():
        parser.error(f"{PYTHON} is not there: make test-engines-batch")
    few, many = chosen.rows
    made = result.make(
        "portfolio_engines", False, {"rounds": chosen.rounds}, measure(few, many, chosen.rounds)
    )
    say(f"written: {result.write(made, chosen.out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
