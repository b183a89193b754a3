"""drift-power: measure false alarms and missed drift over many seeds, with Evidently's defaults.

  python -m bench.power drift-power --seeds 100 --out docs/drift-power.json
  python -m bench.power drift-power --render docs

The first command takes about an hour, or minutes with --no-evidently. The second writes the tables
of docs/drift.md and its plot from drift-power.json and drift-scale.json.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from monitoring.errors import MonitoringError

from .. import marks
from . import page, plot, scale, study

SIZES = [1_000, 10_000, 100_000]
REFERENCES = [10_000, 1_000, 100_000]
PAGE, PLOT = "drift.md", "drift-power.svg"
POWER_JSON, SCALE_JSON = "drift-power.json", "drift-scale.json"
Result = TypeVar("Result")


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
    if args.render:
        render(args.render)
        return 0
    alone = bool(args.no_evidently or args.evidently_from)
    result = study.run(args.sizes, args.references, args.seeds, not alone)
    if args.evidently_from:
        result = study.with_evidently_of(result, read(args.evidently_from, study.Study))
    if args.out:
        args.out.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    print(page.tables(result))
    return 0


def render(folder: Path) -> None:
    """Write a folder's results into its drift.md and drift-power.svg. Raises MonitoringError."""
    result = read(folder / POWER_JSON, study.Study)
    (folder / PAGE).write_text(rendered(folder))
    (folder / PLOT).write_text(plot.svg(result))


def rendered(folder: Path) -> str:
    """Return the folder's drift.md with the tables of its results. Raises MonitoringError."""
    power, scale_ = read(folder / POWER_JSON, study.Study), read(folder / SCALE_JSON, scale.Scale)
    text = marks.filled((folder / PAGE).read_text(), page.POWER, page.tables(power))
    return marks.filled(text, page.SCALE, "\n".join(scale.table(scale_)))


def read(path: Path, kind: type[Result]) -> Result:
    """Read a committed result. Raises MonitoringError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise MonitoringError(f"{path}: not a result of a study: {error}") from error
