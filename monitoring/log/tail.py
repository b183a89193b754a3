"""tail: print the last records, and with -f those that follow, from every server at once.

  python -m monitoring log tail -n 3 -f /var/log/credit

New segments (a restart, a new day) are picked up as they appear. Parquet is not followed.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import options
from .segment import Segment, is_erased
from .sources import find

BLOCK_BYTES = 1 << 16


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log tail`."""
    options.folders(parser)
    parser.add_argument("-n", type=int, default=10, metavar="N", help="records of each newest file")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as records are written")
    parser.add_argument(
        "--interval", type=float, default=0.5, metavar="S", help="seconds between looks (0.5)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the last records of every open segment (of the newest, where none is open)."""
    segments = of_folders(args.folders)
    read = {segment.path: segment.size() for segment in segments}
    newest = [s for s in segments if not s.is_closed()] or segments[-1:]
    for segment in newest:
        last, read[segment.path] = last_lines(segment, args.n)
        _print(last)
    while args.follow:
        time.sleep(args.interval)
        for segment in of_folders(args.folders):
            _print(follow(segment, read))
    return 0


def of_folders(folders: list[Path]) -> list[Segment]:
    """Return the segments of folders, oldest first."""
    return [source for source in find(folders) if isinstance(source, Segment)]


def last_lines(segment: Segment, count: int) -> tuple[list[bytes], int]:
    """Return the last whole lines and the offset behind them, reading from the end."""
    size = start = segment.size()
    while start:
        start = max(0, start - BLOCK_BYTES * max(1, count))
        with segment.path.open("rb") as file:
            file.seek(start)
            block = file.read(size - start)
        if not start or block.count(b"\n") > count:
            whole = block[: block.rfind(b"\n") + 1]
            lines = whole.splitlines(keepends=True)[-count:] if count else []
            return lines, start + len(whole)
    return [], 0


def follow(segment: Segment, read: dict[Path, int]) -> Iterator[bytes]:
    """Yield whole lines behind what was read, and remember how far that is."""
    for offset, line in segment.lines(read.get(segment.path, 0)):
        read[segment.path] = offset + len(line)
        yield line


def _print(lines: Iterator[bytes] | list[bytes]) -> None:
    for line in lines:
        if not is_erased(line):
            sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
