"""The arguments of `python -m monitoring drift`."""

import argparse
import sys
from glob import glob
from pathlib import Path
from typing import NoReturn

from ..drift.choices import DAY, PREVIOUS, TRAINING, WEEK, span
from ..drift.result import ERROR_EXIT_CODE, Settings
from ..errors import MonitoringError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors exit with 3: 2 means too few rows."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit."""
        self.print_usage(sys.stderr)
        self.exit(ERROR_EXIT_CODE, f"error: {message}\n")


def parser(description: str) -> Parser:
    """Return the parser of `python -m monitoring drift`."""
    new = Parser(
        prog="python -m monitoring drift",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = new.add_argument_group("what is compared")
    what.add_argument(
        "--model", type=Path, metavar="DIR", help="the model's bundle, models/NAME/VERSION"
    )
    what.add_argument(
        "--reference", metavar="FILE", help="rows to compare with, instead of a bundle"
    )
    what.add_argument("--ignore", nargs="+", default=[], metavar="NAME",
                      help="columns of --reference to leave out, such as an id")  # fmt: skip
    what.add_argument(
        "--log", type=Path, nargs="+", metavar="DIR", help="current rows: log folders"
    )
    what.add_argument(
        "--current", metavar="FILE", help="current rows: a file (CSV, Parquet or Arrow)"
    )
    what.add_argument(
        "--since", metavar="TIME", help="start: a day or time in UTC, such as 2026-11-23"
    )
    what.add_argument("--until", metavar="TIME", help="end, not included (default: now)")
    what.add_argument(
        "--window",
        type=span,
        metavar="SPAN",
        help="length of the window before --until: 7d, 12h or 2w",
    )
    what.add_argument("--baseline", choices=(TRAINING, PREVIOUS), default=TRAINING,
                      help="compare with the training rows or the previous window")  # fmt: skip
    what.add_argument("--by", choices=(DAY, WEEK), default=DAY, help="periods of the trend (day)")
    what.add_argument("--labels", type=Path, metavar="FILE",
                      help="known outcomes (request_id,outcome; 1 is bad)")  # fmt: skip
    _add_settings(new.add_argument_group("what counts as drift"))
    _add_outputs(new.add_argument_group("what is written"))
    return new


def check_paths(args: argparse.Namespace) -> None:
    """Raise MonitoringError where an option names a file or folder that is not there."""
    named = [args.model, args.labels, *(args.log or [])]
    for path in filter(None, named):
        if not path.exists():
            raise MonitoringError(f"{path}: no such file or folder")
    for pattern in filter(None, [args.current, args.reference]):
        if not glob(pattern):
            wanted = "a .csv, .csv.gz or .parquet"
            raise MonitoringError(f"{pattern}: no such file; wanted {wanted}")


def _chance(text: str) -> float:
    chance = float(text)
    if not 0 < chance < 1:
        raise argparse.ArgumentTypeError(f"wanted a chance between 0 and 1, got {text}")
    return chance


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"wanted a share between 0 and 1, got {text}")
    return share


def _rows(text: str) -> int:
    rows = int(text)
    if rows < 1:
        raise argparse.ArgumentTypeError(f"wanted at least 1 row, got {text}")
    return rows


def _effect(text: str) -> float:
    effect = float(text)
    if not 0 <= effect < float("inf"):
        raise argparse.ArgumentTypeError(f"wanted a PSI of 0 or more, got {text}")
    return effect


def _add_settings(group: argparse._ArgumentGroup) -> None:
    usual = Settings()
    group.add_argument("--alpha", type=_chance, default=usual.alpha, metavar="P",
                       help=f"chance of any false alarm in a run ({usual.alpha})")  # fmt: skip
    group.add_argument("--min-rows", type=_rows, default=usual.min_rows, metavar="N",
                       help=f"with fewer rows there is no verdict ({usual.min_rows})")  # fmt: skip
    group.add_argument(
        "--max-refused",
        type=_share,
        default=usual.max_refused,
        metavar="SHARE",
        help=f"a larger share of requests refused is drift ({usual.max_refused})",
    )
    group.add_argument("--min-psi", type=_effect, default=usual.min_psi, metavar="PSI",
                       help=f"smaller shifts are ignored ({usual.min_psi})")  # fmt: skip


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to write to; without it nothing is written"
    )
    group.add_argument(
        "--exit-zero", action="store_true", help="exit with 0 unless there is an error"
    )
    group.add_argument(
        "--no-report", action="store_true", help="do not make Evidently's report.html"
    )
