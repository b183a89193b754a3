"""What it costs to score a file: every way a process of its own, in turn, its start included."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import environments
from ..host import ROOT
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import book
from .ways import ENVIRONMENT, OF_ENVIRONMENT, WAYS

SCORE, BEFORE = "server score", "server score before columns"
FEW = 100
# Kept from the untimed run to the timed ones, as an installed program keeps it.
BYTECODE = ROOT / "build" / "bench" / "scratch" / "bytecode"
Run = tuple[str, int]  # a way, and its threads


class Spent(msgspec.Struct, frozen=True):
    """What a process took: wall and processor seconds, the most memory in MiB; or its error."""

    wall: float = 0.0
    cpu: float = 0.0
    mib: float = 0.0
    error: str = ""


class Scale(msgspec.Struct, frozen=True):
    """Rows for all ways, rows of larger files for `server score` alone, threads, and rounds."""

    rows: int = 1_000_000
    alone: tuple[int, ...] = (10_000_000,)
    threads: tuple[int, ...] = (1, 2)
    rounds: int = 1


def measure(workload: Workload, scale: Scale, before: Path | None = None) -> list[Row]:
    """Return a row for each way; `before` is a checkout of an older commit, for its own command."""
    runs = [(way, threads) for way in (SCORE, *WAYS) for threads in scale.threads]
    runs += [(BEFORE, 1)] if before else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "book.parquet"
        book.write(workload.size, FEW, file)
        for run in runs:
            spent(workload, run, file, before)  # untimed: lleaves compiles, files are read once
        book.write(workload.size, scale.rows, file)
        rounds = [{run: spent(workload, run, file, before) for run in runs}
                  for _ in range(scale.rounds)]  # fmt: skip
        rows = [{**row_of(run, scale.rows, rounds), **compared(run, file)} for run in runs]
        for count in scale.alone:
            book.write(workload.size, count, file)
            for run in runs[: len(scale.threads)]:
                rows.append(row_of(run, count, [{run: spent(workload, run, file, None)}]))
    return [{"model": workload.size.name, **row} for row in rows]


def spent(workload: Workload, run: Run, source: Path, before: Path | None) -> Spent:
    """Score a file into one beside it, on as many cores as threads; the process is timed whole."""
    environment = ENVIRONMENT if run[0] in OF_ENVIRONMENT else None
    python = environments.python_of(environment)
    if python is None:
        return Spent(error=environments.why_not(environment) or "")
    say(f"portfolio, {workload.size.name}, {run[0]}, threads: {run[1]}")
    where = before if run[0] == BEFORE and before else ROOT
    out_of(run, source).unlink(missing_ok=True)
    return timed(command_of(python, workload, run, source), run[1], where)


def timed(command: Sequence[str | Path], threads: int, where: Path = ROOT) -> Spent:
    """Run a command to its end on as many cores as it has threads."""
    cores = set(sorted(os.sched_getaffinity(0))[:threads])
    with tempfile.TemporaryFile() as errors:
        began = perf_counter()
        process = subprocess.Popen(
            command, cwd=where, stderr=errors,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(BYTECODE)},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        wall = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode().strip().splitlines() or ["no message"]
    if process.returncode:
        return Spent(error=said[-1])
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def command_of(python: Path, workload: Workload, run: Run, source: Path) -> Sequence[str | Path]:
    """Return the command of a way."""
    (way, threads), out = run, out_of(run, source)
    if way in WAYS:
        return [python, "-m", "bench.portfolio.ways", way, workload.text, workload.bundle,
                source, out, str(threads)]  # fmt: skip
    limit = ["--threads", str(threads)] if way == SCORE else []
    return [python, "-m", "server", "score", "--model", workload.bundle, source, "-o", out,
            *limit]  # fmt: skip


def out_of(run: Run, source: Path) -> Path:
    """Return where a way writes."""
    return source.with_name(f"{run[0]}-{run[1]}.parquet")


def row_of(run: Run, count: int, rounds: Sequence[dict[Run, Spent]]) -> Row:
    """Return medians over rounds: microseconds a row, and times what `server score` took."""
    way, threads = run
    row: Row = {"label": way, "threads": threads, "count": count}
    if errors := [one[run].error for one in rounds if one[run].error]:
        return {**row, "error": errors[0]}
    for name in ("cpu", "wall"):
        row[f"{name}_us"] = median(getattr(one[run], name) for one in rounds) / count * 1e6
        if ours := [one[SCORE, threads] for one in rounds if not one[SCORE, threads].error]:
            ratios = [getattr(one[run], name) / getattr(mine, name)
                      for one, mine in zip(rounds, ours, strict=True)]  # fmt: skip
            row[f"{name}_times"] = median(ratios)
            row[f"{name}_spread"] = (max(ratios) - min(ratios)) / median(ratios)
    return {**row, "mib": max(one[run].mib for one in rounds), "rounds": len(rounds)}


def compared(run: Run, source: Path) -> Row:
    """Return on how many rows a way decides otherwise than `server score`, and has other bits."""
    mine, found = out_of((SCORE, run[1]), source), out_of(run, source)
    if not (mine.exists() and found.exists()):
        return {}
    columns = ["decision", "probability"]
    ours, theirs = pq.read_table(mine, columns=columns), pq.read_table(found, columns=columns)
    other = [pc.sum(pc.not_equal(ours[name], theirs[name])).as_py() for name in columns]
    return dict(zip(("flips", "different"), other, strict=True))
