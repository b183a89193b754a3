"""Profile a request function by function, with cProfile and pyinstrument.

example: python -m bench.profiling            writes build/bench/profile.{prof,txt,html}
"""

import argparse
import cProfile
import gc
import pstats
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from server.http import app

from . import stages
from .progress import say
from .workload import models

REQUESTS = 5000
SHOWN = 40


def main(arguments: Sequence[str]) -> int:
    """Profile the server's `/score` callable on distinct applicants, with the record on."""
    parser = argparse.ArgumentParser("python -m bench.profiling", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"default {REQUESTS}")
    parser.add_argument("--out", type=Path, default=models.BUILD, help="folder to write to")
    chosen = parser.parse_args(arguments)
    workload = models.build(models.SMALL)
    documents = workload.documents(workload.rows(chosen.requests))
    bodies = [msgspec.json.encode(document) for document in documents]
    with stages.opened(workload) as services:
        scores = app.scores(services)
        gc.freeze()
        write(chosen.out, lambda: [stages.whole(scores, body) for body in bodies])
        gc.unfreeze()
    say(f"written: {chosen.out}/profile.prof, profile.txt, profile.html")
    return 0


def write(folder: Path, work: Callable[[], object]) -> None:
    """Run `work` twice: under cProfile, which counts calls, and pyinstrument, which samples."""
    from pyinstrument import Profiler

    folder.mkdir(parents=True, exist_ok=True)
    exact = cProfile.Profile()
    exact.runcall(work)
    exact.dump_stats(folder / "profile.prof")
    with (folder / "profile.txt").open("w") as text:
        pstats.Stats(exact, stream=text).sort_stats("tottime").print_stats(SHOWN)
    sampled = Profiler(interval=0.0002)
    with sampled:
        work()
    (folder / "profile.html").write_text(sampled.output_html())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
