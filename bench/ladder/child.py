"""One engine in a process of its own: it loads, then answers commands on stdin with JSON lines.

It imports only the standard library and numpy, so that it runs in an engine's own environment:
`python -m bench.ladder.child ENGINE TEXT BUNDLE FLOAT32 SCRATCH ROWS.npy`. Commands: `time FIRST
COUNT` times rows one by one, `score FIRST` scores all rows from there, `memory`.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any, TextIO

import numpy as np

from .engines import ENGINES, Paths, Score
from .timed import Floats, Timed

WARM_UP = 200


def memory() -> dict[str, float]:
    """Return MiB: the current proportional set size and the peak resident set size."""
    proportional = kernel_says(Path("/proc/self/smaps_rollup"), "Pss:")
    peak = kernel_says(Path("/proc/self/status"), "VmHWM:")
    return {"pss_mib": round(proportional / 1024, 1), "peak_mib": round(peak / 1024, 1)}


def kernel_says(file: Path, key: str) -> int:
    """Return a figure in kB from the kernel, or 0 if it has none."""
    lines = file.read_text().splitlines() if file.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith(key))


def start(arguments: Sequence[str]) -> tuple[Score, Floats, dict[str, Any]]:
    """Load and warm up; return the function, the rows and the cost of loading."""
    engine = ENGINES[arguments[0]]
    paths = Paths(*map(Path, arguments[1:5]))
    rows = np.load(arguments[5])
    load = engine.prepare(paths)
    began = perf_counter()
    score = load()
    loaded = perf_counter() - began
    for row in rows[:WARM_UP]:
        score(row)
    size = engine.file(paths).stat().st_size / 1000
    return score, rows, {"load_ms": round(loaded * 1e3, 1), "size_kb": round(size)}


def time_rows(score: Score, rows: Floats) -> Timed:
    """Return nanoseconds and score per row, each row once."""
    taken: list[int] = []
    scores: list[float] = []
    for row in rows:
        began = perf_counter_ns()
        found = score(row)
        taken.append(perf_counter_ns() - began)
        scores.append(found)
    return taken, scores


def clock_of(score: Score) -> Callable[[Floats], Timed]:
    """Return the function that times rows, with the engine's own clock if it has one."""
    own: Callable[[Floats], Timed] = getattr(score, "time_rows", partial(time_rows, score))
    return own


def main(arguments: Sequence[str]) -> None:
    """Serve commands until stdin ends."""
    answers = private_stdout()

    def say(answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    score, rows, ready = start(arguments)
    say(ready)
    time = clock_of(score)

    def timed(first: str, count: str) -> dict[str, Any]:
        taken, scores = time(rows[int(first) : int(first) + int(count)])
        return {"taken": taken, "scores": scores}

    commands: dict[str, Callable[..., Any]] = {
        "time": timed,
        "score": lambda first: [score(row) for row in rows[int(first) :]],
        "memory": memory,
    }
    for line in sys.stdin:
        verb, *rest = line.split()
        say(commands[verb](*rest))


def private_stdout() -> TextIO:
    """Return stdout for the answers only: from now on, libraries print to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main(sys.argv[1:])
