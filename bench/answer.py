"""Measure an answer of `POST /score` over HTTP, beside an older commit, into answer.json.

example: python -m bench.answer --before ../before    with a built checkout of an older commit

This server, the older one and an empty Starlette endpoint stand at once, one worker on a core of
its own each, the record on; they take turns, round by round. No reasons are asked for, which the
older one may not have, and the queue holds every connection.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from . import result
from .batch import bundle_of
from .distribution import median
from .load import body
from .load.saturation import saturate_measured
from .load.servers import Running, running
from .load.subjects import BY_NAME, Subject, ours
from .progress import say
from .result import Row
from .workload import models
from .workload.models import Workload

CONNECTIONS = (1, 32, 128, 512)
FLAGS = ("--max-in-flight", "1024")
WITHOUT = ("--reasons", "none")  # the older commit gives none
NOW, BEFORE, EMPTY = "this server", "before", "empty Starlette endpoint"
FIGURES = ("per_second", "cpu_us", "p50_us", "p99_us")


def measure(workload: Workload, before: Path, rounds: int, seconds: int) -> list[Row]:
    """Return a row for each number of connections and server."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started = begin(stack, workload, before, folder)
        return [row for count in CONNECTIONS for row in compared(started, count, rounds, seconds)]


def begin(stack: ExitStack, workload: Workload, before: Path, folder: Path) -> dict[str, Running]:
    """Start the servers, all with the same requests and each with its own bundle of the model."""
    requests = body.json_of_model(workload)(workload.rows(2000))
    older = msgspec.structs.replace(workload, bundle=bundle_of(workload, before, folder))
    encode = BY_NAME["json"].encode
    found = {
        EMPTY: (BY_NAME["starlette"], workload),
        BEFORE: (Subject(BEFORE, BEFORE, "ours", ours(*FLAGS), encode, folder=before), older),
        NOW: (Subject(NOW, NOW, "ours", ours(*FLAGS, *WITHOUT), encode), workload),
    }
    return {name: stack.enter_context(running(subject, model, requests))
            for name, (subject, model) in found.items()}  # fmt: skip


def compared(started: dict[str, Running], count: int, rounds: int, seconds: int) -> list[Row]:
    """Return each server's medians over rounds, and the medians of the rounds' ratios."""
    runs: list[dict[str, Row]] = []
    for number in range(rounds):
        say(f"{count} connections, round {number + 1}/{rounds}")
        names = [*started][:: -1 if number % 2 else 1]
        runs.append({name: saturate_measured(started[name], count, seconds) for name in names})
    return [
        {"label": name, "connections": count, "rounds": rounds,
         "failed": sum(run[name]["failed"] for run in runs),
         **{key: median([run[name][key] for run in runs]) for key in FIGURES},
         **{f"{key}_of_{short}": median([run[name][key] / run[other][key] for run in runs])
            for key in FIGURES for short, other in (("before", BEFORE), ("empty", EMPTY))}}
        for name in started
    ]  # fmt: skip


def commit_of(tree: Path) -> str:
    """Return the commit of a checkout."""
    command = ["git", "-C", str(tree), "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        "python -m bench.answer", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--before", type=Path, required=True, metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=result.FOLDER, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    before, rounds, seconds = chosen.before.resolve(), chosen.rounds, chosen.seconds
    rows = [{"model": size.name, **row} for size in (models.MIDDLE, models.DEMO)
            for row in measure(models.build(size), before, rounds, seconds)]  # fmt: skip
    method = {"before": commit_of(before), "rounds": rounds, "seconds": seconds}
    say(f"written: {result.write(result.make('answer', False, method, rows), chosen.out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
