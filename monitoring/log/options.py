"""Command-line arguments shared by several verbs."""

import argparse
from pathlib import Path

from .window import Window, moment


def folders(parser: argparse.ArgumentParser) -> None:
    """Add the folders to read."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="a log folder, including its subfolders; or one segment or Parquet file",
    )


def window(parser: argparse.ArgumentParser) -> None:
    """Add --since and --until."""
    parser.add_argument(
        "--since", metavar="TIME", help="start: a day or time in UTC, such as 2026-11-23"
    )
    parser.add_argument("--until", metavar="TIME", help="end, not included")


def window_of(args: argparse.Namespace) -> Window:
    """Return the window given by the options. Raises MonitoringError."""
    ends = [moment(text) if text else None for text in (args.since, args.until)]
    return Window(*ends)
