"""Measure what it costs to explain a file, into bench/results/portfolio_explained.json.

example: python -m bench.portfolio.explained --rows 1000000 --rounds 1
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq

from .. import result
from ..progress import say
from ..result import Row
from ..workload import models
from ..workload.models import Workload
from . import book
from .measure import Spent, timed
from .ways import explain

OURS, PLAIN, LIGHTGBMS = (
    "server score --reasons all", "server score", "pandas, Booster.predict(pred_contrib=True)"
)  # fmt: skip
WAYS = (OURS, PLAIN, LIGHTGBMS)


def measure(workload: Workload, count: int, rounds: int, threads: int) -> list[Row]:
    """Return a row for each way, each a process of its own, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "book.parquet"
        book.write(workload.size, count, source)
        taken = [{way: spent(workload, way, source, threads) for way in WAYS}
                 for _ in range(rounds)]  # fmt: skip
        rows = [row_of(way, count, taken) | {"threads": threads} for way in WAYS]
        rows[-1]["apart"] = apart(source)
    return [{"model": workload.size.name, **row} for row in rows]


def spent(workload: Workload, way: str, source: Path, threads: int) -> Spent:
    """Explain a file into one beside it; raises RuntimeError with the last line of a failure."""
    say(f"portfolio explained, {workload.size.name}, {way}")
    command: list[str | Path]
    command = [sys.executable, "-m", "server", "score", "--model", workload.bundle, source,
               "-o", out_of(way, source), "--threads", str(threads)]  # fmt: skip
    if way == OURS:
        command += ["--reasons", "all"]
    if way == LIGHTGBMS:
        command = [sys.executable, "-m", "bench.portfolio.explained", "--lightgbm", workload.text,
                   workload.bundle, source, out_of(way, source), str(threads)]  # fmt: skip
    found = timed(command, threads)
    if found.error:
        raise RuntimeError(found.error)
    return found


def out_of(way: str, source: Path) -> Path:
    """Return where a way writes."""
    return source.with_name(f"{WAYS.index(way)}.parquet")


def row_of(way: str, count: int, taken: Sequence[dict[str, Spent]]) -> Row:
    """Return medians over rounds: a row's microseconds, and times what ours took."""
    row: Row = {"label": way, "count": count, "rounds": len(taken)}
    for name in ("wall", "cpu"):
        row[f"{name}_us"] = median(getattr(one[way], name) for one in taken) / count * 1e6
        ratios = [getattr(one[way], name) / getattr(one[OURS], name) for one in taken]
        row[f"{name}_times"] = median(ratios)
    return row | {"per_s": 1e6 / row["wall_us"], "mib": max(one[way].mib for one in taken)}


def apart(source: Path) -> float:
    """Return the largest difference between a contribution of ours and LightGBM's."""
    ours, theirs = (pq.read_table(out_of(way, source)) for way in (OURS, LIGHTGBMS))
    names = [name for name in theirs.column_names if name.startswith(("contribution_", "expect"))]
    return max(float(np.abs(ours[n].to_numpy() - theirs[n].to_numpy()).max()) for n in names)


def main(arguments: Sequence[str]) -> int:
    """Measure and write; or, with --lightgbm, be the way of LightGBM."""
    parser = argparse.ArgumentParser(
        "python -m bench.portfolio.explained", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=result.FOLDER, metavar="FOLDER")
    parser.add_argument("--lightgbm", nargs=5, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.lightgbm:
        text, bundle, source, out, threads = chosen.lightgbm
        explain(Path(text), Path(bundle), Path(source), Path(out), int(threads))
        return 0
    cores = len(os.sched_getaffinity(0))
    rows = measure(models.build(models.DEMO), chosen.rows, chosen.rounds, cores)
    method = {"rounds": chosen.rounds}
    made = result.make("portfolio_explained", False, method, rows)
    say(f"written: {result.write(made, chosen.out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
