"""tail: print the last records of every server, and with -f new ones as they come.

  python -m monitoring log tail -n 3 -f /var/log/credit

With -f, new segments (after a restart, on a new day) are followed too; Parquet files are not.
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
    parser.add_argument("-n", type=int, default=10, metavar="N", help="records per file (10)")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="wait for new records and print them"
    )
    parser.add_argument(
        "--interval", type=float, default=0.5, metavar="S", help="seconds between checks (0.5)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the last records of every open segment, or of the newest if none is open."""
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
    """Return the last complete lines and the offset after them, reading from the end."""
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
    """Yield the complete lines after what was read, and update `read`."""
    for offset, line in segment.lines(read.get(segment.path, 0)):
        read[segment.path] = offset + len(line)
        yield line


def _print(lines: Iterator[bytes] | list[bytes]) -> None:
    for line in lines:
        if not is_erased(line):
            sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
