"""drift-power: measure false alarms and missed drift over many seeds, with Evidently's defaults.

  python -m bench.power drift-power --seeds 100 --out docs/drift-power.json
  python -m bench.power drift-power --render docs

The first command takes about an hour, or minutes with --no-evidently. The second writes the tables
of docs/drift.md and its plot from drift-power.json and drift-scale.json.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

SIZES = [1_000, 10_000, 100_000]
REFERENCES = [10_000, 1_000, 100_000]


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m bench.power drift-power`."""
    new = argparse.ArgumentParser(
        prog="python -m bench.power drift-power",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("--seeds", type=int, default=100, metavar="N", help="runs of each kind (100)")
    new.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="ROWS")
    new.add_argument("--references", type=int, nargs="+", default=REFERENCES, metavar="ROWS")
    new.add_argument("--no-evidently", action="store_true", help="our methods alone: much faster")
    new.add_argument("--evidently-from", type=Path, metavar="FILE",
                     help="take Evidently's part from a result of the same seeds")  # fmt: skip
    new.add_argument("--out", type=Path, metavar="FILE", help="where the raw result goes")
    new.add_argument("--render", type=Path, metavar="DIR", help="render results; runs nothing")
    return new


def main(arguments: Sequence[str]) -> int:
    """Run the study, or render a result."""
    args = parser().parse_args(arguments)
    # Imported late: what is wrong with the options is told before libraries take their seconds.
    from . import committed, page, study

    if args.render:
        committed.render(args.render)
        return 0
    alone = bool(args.no_evidently or args.evidently_from)
    result = study.run(args.sizes, args.references, args.seeds, not alone)
    if args.evidently_from:
        result = study.with_evidently_of(result, committed.read(args.evidently_from, study.Study))
    if args.out:
        args.out.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    print(page.tables(result))
    return 0
