"""The ladder: score one row in process, by LightGBM, by graphs, by compiled trees and by ours.

Every engine runs in its own process. Each round goes over all engines, so that disturbances of the
machine meet all of them. Timed rows are distinct: the branch predictor would learn a repeated one.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import environments
from ..distribution import quantiles, spread
from ..host import ROOT
from ..progress import say
from ..result import Row
from ..workload.models import THRESHOLD, Workload, on_thresholds
from .engines import COMPILERS, ENGINES, OURS_AND_LIGHTGBM, Paths
from .timed import Floats

SCRATCH = ROOT / "build" / "bench" / "scratch"
REFERENCE = "single-row-fast"  # LightGBM itself
FLOOR = "floor"


class EngineError(Exception):
    """An engine that does not start; the message is its last line."""


class Process:
    """A child that holds one engine."""

    def __init__(
        self, engine: str, workload: Workload, rows: Path, compiling: bool = False
    ) -> None:
        python = environments.python_of(ENGINES[engine].environment)
        if python is None:
            raise EngineError(environments.why_not(ENGINES[engine].environment))
        paths = paths_of(workload)
        if ENGINES[engine].environment and not (compiling or ENGINES[engine].file(paths).exists()):
            raise EngineError("not compiled: make bench-peers compiles it")
        files = (paths.text, paths.bundle, paths.float32, paths.scratch, rows)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in stop()
        self._child = subprocess.Popen(
            [python, "-m", "bench.ladder.child", engine, *files], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        self.ready = self._answer()

    def ask(self, *words: object) -> Any:
        """Send one command and return its answer; raises EngineError."""
        assert self._child.stdin is not None  # noqa: S101 - for the type checker
        print(*words, file=self._child.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._child.stdout is not None  # noqa: S101 - for the type checker
        line = self._child.stdout.readline()
        if not line:
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or ["ended without a word"]
            self.stop()
            raise EngineError(said[-1])
        return json.loads(line)

    def stop(self) -> None:
        """End it."""
        self._child.kill()
        self._child.communicate()
        self._errors.close()


def paths_of(workload: Workload) -> Paths:
    """Return the paths of a workload's files, with a folder for what engines compile."""
    scratch = SCRATCH / workload.size.name
    scratch.mkdir(parents=True, exist_ok=True)
    return Paths(workload.text, workload.bundle, workload.float32, scratch)


def compile_ahead(workload: Workload) -> None:
    """Compile the engines that need it, which takes minutes for a large model."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, workload.rows(1))
        for name in COMPILERS:
            say(f"compiling {workload.size.name} with {name}")
            try:
                Process(name, workload, file, compiling=True).stop()
            except EngineError as error:
                say(f"{name}: {error}")


def measure(
    workload: Workload, rounds: int, count: int, engines: Sequence[str] = OURS_AND_LIGHTGBM
) -> list[Row]:
    """Return a row per engine: `rounds` rounds of `count` distinct applicants."""
    clean = workload.rows(rounds * count)
    tricky = on_thresholds(workload.text, clean[:count], seed=3)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, np.concatenate([clean, tricky]))
        started, failed = start(workload, file, engines)
        try:
            return time_all(started, workload, rounds, count) + failed
        finally:
            for process in started.values():
                process.stop()


def start(
    workload: Workload, rows: Path, engines: Sequence[str]
) -> tuple[dict[str, Process], list[Row]]:
    """Start the engines; return the running ones, and a row for each that failed."""
    started, failed = {}, []
    for name in engines:
        say(f"ladder {workload.size.name}: loading {name}")
        try:
            started[name] = Process(name, workload, rows)
        except EngineError as error:
            failed.append({**label(workload, name), "error": str(error)})
    return started, failed


def time_all(
    processes: dict[str, Process], workload: Workload, rounds: int, count: int
) -> list[Row]:
    """Time the rounds, then compare the scores with LightGBM's."""
    taken: dict[str, list[list[float]]] = {name: [] for name in processes}
    scores: dict[str, list[float]] = {name: [] for name in processes}
    for number in range(rounds):
        say(f"ladder {workload.size.name}: round {number + 1} of {rounds}")
        for name, process in processes.items():
            answer = process.ask("time", number * count, count)
            taken[name].append([each / 1e3 for each in answer["taken"]])
            scores[name] += answer["scores"]
    memory = {name: process.ask("memory") for name, process in processes.items()}
    for name, process in processes.items():
        scores[name] += process.ask("score", rounds * count)
    wanted = np.array(scores[REFERENCE])
    return against_floor([
        {**label(workload, name), **process.ready, **memory[name], **latency(taken[name]),
         **errors(np.array(scores[name]), wanted, count)}
        for name, process in processes.items()
    ])  # fmt: skip


def against_floor(rows: list[Row]) -> list[Row]:
    """Add each p50 as a multiple of the floor's p50, if that was measured."""
    floors = [row["p50_us"] for row in rows if row["engine"] == FLOOR]
    return [{**row, "of_floor": round(row["p50_us"] / floor, 3)} for row in rows for floor in floors
            ] or rows  # fmt: skip


def label(workload: Workload, name: str) -> Row:
    """Return the columns that name a row."""
    return {"model": workload.size.name, "engine": name, "label": ENGINES[name].label}


def latency(rounds: list[list[float]]) -> Row:
    """Return quantiles in microseconds over all rounds, and the spread of p50 between them."""
    row: Row = dict(quantiles([each for taken in rounds for each in taken], "us"))
    row["spread"] = spread([float(np.median(taken)) for taken in rounds])
    return row


def errors(scores: Floats, wanted: Floats, tricky: int) -> Row:
    """Compare with LightGBM: on ordinary rows, and on the last `tricky` rows, which sit on
    thresholds.
    """
    wrong = scores.view(np.int64) != wanted.view(np.int64)
    turned = (scores >= THRESHOLD) != (wanted >= THRESHOLD)
    away = np.abs(scores - wanted)
    return {
        "compared": len(scores), "different": int(wrong.sum()),
        "largest_error": float(away[:-tricky].max()), "flips": int(turned[:-tricky].sum()),
        "largest_error_on_thresholds": float(away[-tricky:].max()),
        "flips_on_thresholds": int(turned[-tricky:].sum()),
    }  # fmt: skip
