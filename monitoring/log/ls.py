"""ls: list segments and Parquet files, without reading them.

  python -m monitoring log ls /var/log/credit

`open` segments are still being written; `closed` ones can be compacted.
"""

import argparse
import sys

import msgspec

from . import options
from .part import Part
from .segment import Segment
from .sources import find, started


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log ls`."""
    options.folders(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    """Print one line per file: state, begin, bytes, path."""
    for source in find(args.folders):
        entry = describe(source)
        if args.json:
            sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")
        else:
            print("{state:<7} {begun:<26} {bytes:>15,}  {path}".format(**entry))
    return 0


def describe(source: Segment | Part) -> dict[str, str | int]:
    """Return what a file's name and size tell about it."""
    if isinstance(source, Part):
        state, begun = "parquet", source.day or "-"
    else:
        state = "closed" if source.is_closed() else "open"
        begun = started(source.stem).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {"state": state, "begun": begun, "bytes": source.size(), "path": str(source.path)}
