"""Measure everything again and render BENCHMARKS.md: models, ladder, stages, load, report.

example: python -m bench --quick                   a look, about a minute, in build/bench/quick
example: python -m bench --only ladder stages      part of it, into bench/results
example: python -m bench --peers                   build the peers' environments first
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from . import environments, host, result, stages
from .host import ROOT
from .ladder import measure as ladder
from .load import measure as load
from .load.generator import GRACE_SECONDS
from .progress import say
from .report import markdown, plots
from .workload import models
from .workload.models import Size

PARTS = ("ladder", "stages", "load")
QUICK_FOLDER = models.BUILD / "quick"


class Scale(msgspec.Struct, frozen=True):
    """How much is measured: models, rounds and rows of each part."""

    sizes: tuple[Size, ...]
    load_size: Size
    rounds: int
    rows: int
    requests: int
    effort: load.Effort


FULL = Scale((models.SMALL, models.MIDDLE, models.LARGE), models.MIDDLE, 5, 1000, 10_000,
             load.Effort(3, 2, (1, 8, 32, 128)))  # fmt: skip
QUICK = Scale((models.SMALL,), models.SMALL, 2, 500, 2000, load.Effort(1, 1, (1, 32)))


def main(arguments: Sequence[str]) -> int:
    """Run the command; what goes wrong is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(
        "python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="about a minute, not to be quoted")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="some, as 100x31 500x31")
    parser.add_argument("--peers", action="store_true", help="build the peers' environments first")
    parser.add_argument("--render", action="store_true", help="measure nothing, render again")
    chosen = parser.parse_args(arguments)
    folder = QUICK_FOLDER if chosen.quick else result.FOLDER
    try:
        scale = scale_of(chosen.quick, chosen.models)
        if chosen.peers:
            build_peers(scale)
        if not chosen.render:
            run(scale, chosen.only, folder, chosen.quick)
        say(f"written: {publish(folder)}")
    except (models.WorkloadError, result.ResultError, ladder.EngineError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


def scale_of(quick: bool, names: Sequence[str] | None) -> Scale:
    """Return how much is measured, of the models named only; raises WorkloadError."""
    scale = QUICK if quick else FULL
    if names is None:
        return scale
    known = {size.name: size for size in scale.sizes}
    if unknown := set(names) - set(known):
        wanted = ", ".join(known)
        raise models.WorkloadError(f"--models: wanted {wanted}, got {', '.join(sorted(unknown))}")
    sizes = tuple(known[name] for name in names)
    loaded = scale.load_size if scale.load_size in sizes else sizes[-1]
    return msgspec.structs.replace(scale, sizes=sizes, load_size=loaded)


def build_peers(scale: Scale) -> None:
    """Build every environment and compile; what cannot be is told, and stands in the tables."""
    for name in environments.names():
        try:
            environments.build(name)
        except environments.PeerError as error:
            say(f"{name}: {error}")
    for size in scale.sizes:
        ladder.compile_ahead(models.build(size))


def run(scale: Scale, parts: Sequence[str], folder: Path, quick: bool) -> None:
    """Build the models, then measure and write part by part."""
    say(f"{host.describe().cpu}, commit {host.commit()}")
    workloads = {size: models.build(size) for size in scale.sizes}
    if "ladder" in parts:
        rows = [row for each in workloads.values()
                for row in ladder.measure(each, scale.rounds, scale.rows)]  # fmt: skip
        method = {"rounds": scale.rounds, "rows a round": scale.rows}
        result.write(result.make("ladder", quick, method, rows), folder)
    if "stages" in parts:
        rows = [row for each in workloads.values() for row in stages.measure(each, scale.requests)]
        result.write(result.make("stages", quick, {"requests": scale.requests}, rows), folder)
    if "load" in parts:
        measure_load(scale, folder, quick)


def measure_load(scale: Scale, folder: Path, quick: bool) -> None:
    """Measure the servers and write the two results."""
    effort = scale.effort
    saturation, latency = load.measure(models.build(scale.load_size), effort)
    method = {"rounds": effort.rounds, "seconds a run": effort.seconds,
              "distinct applicants": load.DISTINCT}  # fmt: skip
    result.write(result.make("saturation", quick, {**method, **load.tool()}, saturation), folder)
    open_loop = {"connections": load.OPEN_CONNECTIONS, "grace seconds": GRACE_SECONDS}
    result.write(result.make("latency", quick, {**method, **open_loop}, latency), folder)


def publish(folder: Path) -> Path:
    """Draw the plots and write the document; a quick look's stands beside its results."""
    plots.draw_all(folder)
    document = (ROOT if folder == result.FOLDER else folder) / "BENCHMARKS.md"
    document.write_text(markdown.render(folder))
    return document


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
