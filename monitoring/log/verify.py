"""verify: read every byte, and report damage and changed lines.

  python -m monitoring log verify /var/log/credit > heads.jsonl
  python -m monitoring log verify /var/log/credit --against heads.jsonl

Prints one JSON object per file: its records, whether it has a hash chain, and the chain's head.
Keep that output where the servers cannot write: with --against, verify also finds missing files
and lines cut off at the end. A hash chain shows the first changed line. Parquet is checked by its
page checksums; its head is the file's SHA-256. The exit code is 1 if anything is wrong.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import msgspec
from tqdm import tqdm

from ..errors import MonitoringError
from ..markup import one_line
from . import options
from .chain import BrokenChainError, Chain
from .part import Part
from .record import DamagedLogError, decode
from .segment import Segment, is_erased
from .sources import find


class Head(msgspec.Struct, omit_defaults=True):
    """What was found in one file; `head` is the chain value of its last line."""

    file: str
    records: int = 0
    erased: int = 0
    torn_bytes: int = 0
    chained: bool = False
    head: str | None = None
    error: str | None = None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log verify`."""
    options.folders(parser)
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="the output of an earlier verify"
    )


def run(args: argparse.Namespace) -> int:
    """Verify every file; return 1 if one is damaged."""
    known = earlier(args.against) if args.against else {}
    sources = find(args.folders)
    if not sources:
        print("no segments and no Parquet files here", file=sys.stderr)
    missing = sorted(gone(known, sources))
    bad = len(missing)
    for name in missing:
        print(f"damaged: {name}: existed earlier, is missing now", file=sys.stderr)
    for source in tqdm(sources, desc="verify", unit=" files", disable=None):
        head = verify(source, known.get(source.path.name))
        bad += head.error is not None
        sys.stdout.write(msgspec.json.encode(head).decode() + "\n")
        if head.error:
            print(f"damaged: {one_line(head.error)}", file=sys.stderr)
    return 1 if bad else 0


def verify(source: Segment | Part, before: Head | None = None) -> Head:
    """Read a whole file and report what it holds, with the first error."""
    head = Head(source.path.name)
    try:
        if isinstance(source, Part):
            _whole(source, head, before)
        else:
            _walk(source, head, before)
    except DamagedLogError as error:
        head.error = str(error)
    return head


def _whole(part: Part, head: Head, before: Head | None) -> None:
    """Check the pages of a Parquet file, and that it did not change since `before`."""
    head.records = sum(batch.num_rows for batch in part.batches())
    with part.path.open("rb") as file:
        head.head = hashlib.file_digest(file, "sha256").hexdigest()
    if before and before.file == head.file and before.head != head.head:
        raise DamagedLogError(f"{part.path}: changed since the earlier verify")


def _walk(segment: Segment, head: Head, before: Head | None) -> None:
    """Check every line of a segment, and that it still begins with what `before` saw."""
    chain = Chain(segment)
    seen_before = before.records + before.erased if before and before.chained else None
    for offset, line in segment.lines():
        chain.follow(offset, line)
        if is_erased(line):
            head.erased += 1
        else:
            segment.decode_line(decode, offset, line)
            head.records += 1
        if chain.lines == seen_before and before and chain.head.decode() != before.head:
            raise BrokenChainError(
                f"{segment.path}: line {chain.lines} changed since the earlier verify"
            )
    head.torn_bytes, head.chained = segment.torn, bool(chain.chained)
    head.head = chain.head.decode() if chain.chained else None
    if seen_before is not None and chain.lines < seen_before:
        raise BrokenChainError(f"{segment.path}: {chain.lines} lines, {seen_before} earlier")


def gone(known: dict[str, Head], sources: list[Segment | Part]) -> set[str]:
    """Return the files seen before that are missing now; a segment may have become Parquet."""
    stems = {source.stem for source in sources}
    names = {source.path.name for source in sources}
    return {name for name in known if name not in names and Path(name).stem not in stems}


def earlier(path: Path) -> dict[str, Head]:
    """Return the output of an earlier run, by file. Raises MonitoringError."""
    try:
        heads = msgspec.json.Decoder(Head).decode_lines(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise MonitoringError(f"{path}: not the output of verify: {error}") from error
    return {head.file: head for head in heads}
