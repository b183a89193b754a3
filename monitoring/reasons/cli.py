"""reasons: which reasons refuse whom, how often, and whether that changes.

  python -m monitoring reasons --log log --models models
  python -m monitoring reasons --log log --window 7d --baseline previous
  python -m monitoring reasons --log log --models models --baseline training
  python -m monitoring reasons --log log --segment AGE:30,45,60 --plot reasons.html

Counts the reason codes that were answered, by model version and policy, kind of decision and
period: how many decisions name a code, and with how many it is the largest. --models adds their
texts. The exit code is 0 whatever was found. docs/reasons.md explains every number.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..drift.choices import DAY, HOUR, PREVIOUS, TRAINING, WEEK, span
from ..drift.result import Settings
from ..errors import MonitoringError
from ..log import options


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Raises MonitoringError."""
    args = parser().parse_args(arguments)
    if args.baseline == TRAINING and not args.models:
        raise MonitoringError("--baseline training: give --models DIR: its reference rows")
    # Imported late: errors in the arguments must not wait for libraries to load.
    from .run import run
    from .text import to_text

    found = run(args)
    if args.plot:
        from .plot import save

        save(found, args.plot)
    for report in found:
        if args.json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        else:
            print(to_text(report), end="\n\n")
    if not found:
        print("no decisions", file=sys.stderr)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m monitoring reasons`."""
    new = argparse.ArgumentParser(
        "python -m monitoring reasons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("--log", nargs="+", type=Path, required=True, metavar="FOLDER")
    new.add_argument(
        "--models", type=Path, metavar="DIR",
        help="folder of bundles, DIR/NAME/VERSION: for texts, and the reference",
    )  # fmt: skip
    new.add_argument("--language", metavar="TAG", help="language of the texts (the first)")
    options.window(new)
    new.add_argument(
        "--window", type=span, metavar="SPAN",
        help="length of time before --until, or before now: 7d, 12h or 2w",
    )  # fmt: skip
    new.add_argument("--by", choices=(HOUR, DAY, WEEK), default=DAY, help="periods (day)")
    new.add_argument(
        "--baseline", choices=(PREVIOUS, TRAINING),
        help="compare with the window before, or with the reference rows of the bundle",
    )  # fmt: skip
    new.add_argument(
        "--segment", metavar="FEATURE",
        help="count by a feature as it was sent; a number with the edges of its groups, as "
        "AGE:30,45,60",
    )  # fmt: skip
    new.add_argument("--alpha", type=float, default=Settings().alpha, metavar="P",
                     help="chance of a false alarm in a comparison (%(default)s)")  # fmt: skip
    new.add_argument("--min-rows", type=int, default=Settings().min_rows, metavar="N",
                     help="decisions with reasons needed on each side (%(default)s)")  # fmt: skip
    new.add_argument("--plot", type=Path, metavar="FILE.html",
                     help="write a plot that works offline")  # fmt: skip
    new.add_argument("--json", action="store_true",
                     help="print one JSON object per model version and policy")  # fmt: skip
    return new
