"""get: print every record of one request.

  python -m monitoring log get 0f3c9a1e /var/log/credit

Write an id that begins with a dash after two dashes: `log get -- -x /var/log/credit`.
The exit code is 1 if the log holds no such request.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc

from ..errors import MonitoringError
from . import options
from .batch import to_lines
from .once import Once
from .part import Part
from .record import decode, spelled
from .segment import Segment, is_erased
from .sources import find


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log get`."""
    parser.add_argument("request_id", metavar="REQUEST_ID")
    options.folders(parser)


def run(args: argparse.Namespace) -> int:
    """Print the records of a request; return 1 if there are none."""
    if not args.request_id:
        raise MonitoringError("wanted a request id, got an empty string")
    found = False
    for line in records(args.folders, args.request_id):
        sys.stdout.buffer.write(line)
        found = True
    sys.stdout.buffer.flush()
    if not found:
        print(f"no record of request {args.request_id!r}", file=sys.stderr)
    return 0 if found else 1


def records(folders: list[Path], request_id: str) -> Iterator[bytes]:
    """Yield the lines of a request, each record once. Raises DamagedLogError."""
    once = Once()
    for source in find(folders):
        if isinstance(source, Part):
            yield from of_part(source, request_id, once)
        else:
            yield from of_segment(source, request_id, once)
    once.tell()


def of_segment(source: Segment, request_id: str, once: Once) -> Iterator[bytes]:
    """Yield the lines of a request; only lines that contain the id's bytes are decoded."""
    needle = spelled(request_id)
    for offset, line in source.lines():
        if needle not in line or is_erased(line):
            continue
        record = source.decode_line(decode, offset, line)
        if record.request_id == request_id and once.is_new(record):
            yield line


def of_part(source: Part, request_id: str, once: Once) -> Iterator[bytes]:
    """Yield the lines of a request from a Parquet file."""
    for batch in source.batches():
        found = once.select(batch.filter(pc.equal(batch["request_id"], request_id)))
        if found.num_rows:
            yield from to_lines(found)
