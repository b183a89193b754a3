"""Measure what it costs to score a file, into bench/results/portfolio.json.

example: python -m bench.portfolio --before ../before    with a checkout of an older commit
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import environments, result
from ..progress import say
from ..workload import models
from .measure import Scale, measure
from .ways import ENVIRONMENT


def main(arguments: Sequence[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        "python -m bench.portfolio", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="its server score, too")
    parser.add_argument("--peers", action="store_true", help="build their environment first")
    parser.add_argument("--rows", type=int, default=Scale().rows, help="of the file for all ways")
    parser.add_argument("--rounds", type=int, default=Scale().rounds)
    parser.add_argument("--out", type=Path, default=result.FOLDER, metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    if chosen.peers:
        environments.build(ENVIRONMENT)
    demo = Scale(rows=chosen.rows, rounds=chosen.rounds)
    wide = Scale(rows=chosen.rows, alone=(), rounds=chosen.rounds)
    rows: list[result.Row] = []
    for size, scale in ((models.DEMO, demo), (models.MIDDLE, wide)):
        rows += measure(models.build(size), scale, chosen.before)
        made = result.make("portfolio", False, {"rounds": chosen.rounds}, rows)
        say(f"written: {result.write(made, chosen.out)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
