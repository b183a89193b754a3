"""One run of the suite: measure the parts that were chosen, and publish what came out."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from . import environments, host, parts, result
from .host import ROOT
from .ladder import measure as ladder
from .load.servers import ServerError
from .load.wrk import WrkError
from .parts import Scale
from .progress import say
from .report import markdown, plots, readme
from .workload import models

QUICK_FOLDER = models.BUILD / "quick"
ERRORS = (models.WorkloadError, result.ResultError, ladder.EngineError, ServerError, WrkError,
          OSError)  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Measure and publish; an error is one line on stderr and exit code 2."""
    folder = QUICK_FOLDER if chosen.quick else result.FOLDER
    names = list(chosen.only or (parts.WITH_PEERS if chosen.peers else parts.OWN))
    try:
        scale = scale_of(chosen.quick, chosen.models)
        if (chosen.peers or chosen.only) and not chosen.render:
            prepare(scale, names)
        if not chosen.render:
            say(f"{host.describe().cpu}, commit {host.commit()}")
            parts.run(scale, names, folder, chosen.quick)
        say(f"written: {publish(folder)}")
    except ERRORS as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


def scale_of(quick: bool, names: Sequence[str] | None) -> Scale:
    """Return how much to measure, of the named models only; raises WorkloadError."""
    scale = parts.QUICK if quick else parts.FULL
    if names is None:
        return scale
    known = {size.name: size for size in (*scale.sizes, scale.load_size)}
    if unknown := set(names) - set(known):
        wanted = ", ".join(known)
        raise models.WorkloadError(f"--models: wanted {wanted}, got {', '.join(sorted(unknown))}")
    sizes = tuple(known[name] for name in names)
    loaded = scale.load_size if scale.load_size in sizes else sizes[-1]
    return msgspec.structs.replace(scale, sizes=sizes, load_size=loaded)


def prepare(scale: Scale, names: Sequence[str]) -> None:
    """Build the environments that parts need, and compile models; what fails is reported."""
    wanted = [each for name in names for each in parts.ENVIRONMENTS.get(name, ())]
    environments.build_all(dict.fromkeys(wanted))
    for size in scale.sizes if "ladder" in names else ():
        ladder.compile_ahead(models.build(size))


def publish(folder: Path) -> Path:
    """Draw the plots and write the document; a quick run's document goes beside its results."""
    plots.draw_all(folder)
    document = (ROOT if folder == result.FOLDER else folder) / "BENCHMARKS.md"
    document.write_text(markdown.render(folder))
    if folder == result.FOLDER:
        readme.PATH.write_text(readme.render(readme.PATH.read_text(), folder))
    return document
