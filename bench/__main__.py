"""Measure everything and render BENCHMARKS.md and the table in README.md.

example: python -m bench --quick                   a quick run (a minute), in build/bench/quick
example: python -m bench --only ladder stages      some parts, with the environments they need
example: python -m bench --peers                   build the peers' environments, measure them
"""

import argparse
import sys
from collections.abc import Sequence

# As in parts.py, whose imports take seconds: --help and a typo do not wait for them.
PARTS = (
    "before_after", "ladder", "stages", "budget", "cost", "record_cost", "process", "load",
    "contributions", "reasons", "peers", "explainers", "protocol",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run the command; an error is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(
        "python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="about a minute, not to be quoted")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some parts")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="some, as 100x31 500x31")
    parser.add_argument("--peers", action="store_true", help="the peers instead of our own parts")
    parser.add_argument("--render", action="store_true", help="measure nothing, render again")
    chosen = parser.parse_args(arguments)
    from .suite import run

    return run(chosen)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
