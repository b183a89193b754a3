"""cat: print records as JSON lines, oldest file first.

  python -m monitoring log cat /var/log/credit --since 2026-11-23 | jq .decision

Each record is printed once: from a segment byte for byte, from Parquet as a line with the same
values.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from . import options
from .batch import to_lines
from .once import Once
from .part import Part
from .record import decode
from .segment import Segment
from .sources import find, touches
from .sources import read as read_source
from .window import Window


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log cat`."""
    options.folders(parser)
    options.window(parser)


def run(args: argparse.Namespace) -> int:
    """Print the records of the window."""
    for line in lines(args.folders, options.window_of(args)):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    return 0


def lines(folders: list[Path], window: Window) -> Iterator[bytes]:
    """Yield the lines of the window. Raises DamagedLogError."""
    once = Once()
    for source in find(folders):
        if not touches(source, window):
            continue
        if isinstance(source, Part) or not source.path.exists():
            for batch in read_source(source, folders):
                yield from to_lines(once.select(window.select(batch)))
        else:
            yield from _of_segment(source, window, once)
    once.tell()


def _of_segment(source: Segment, window: Window, once: Once) -> Iterator[bytes]:
    """Yield the lines of a segment unchanged."""
    since, until = (
        end.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if end else None
        for end in (window.since, window.until)
    )
    for line, record in source.decoded(decode):
        inside = (since is None or record.time >= since) and (until is None or record.time < until)
        if inside and once.is_new(record):
            yield line
