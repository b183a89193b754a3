"""erase: erase the records of one request, or all records before a time.

  python -m monitoring log erase --request-id 0f3c9a1e /var/log/credit
  python -m monitoring log erase --before 2026-05-23 /var/log/credit --dry-run

Records in segments are overwritten in place, so servers may keep writing, and the hash chain stays
valid. Parquet files are rewritten, or deleted if all their records go. Answers stored for an
Idempotency-Key are erased too. Copies made by a log shipper must be erased where they are. For an
id that begins with a dash, write `--request-id=-x`. The exit code is 1 if nothing was found.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import MonitoringError
from ..wording import numbered
from . import options, part, segment, stored_answers
from .chain import KEPT
from .compact import TEMPORARY, Writer
from .part import Part
from .record import Record, decode, spelled
from .segment import ERASED, Segment, sync_folder
from .sources import check_places
from .upkeep import sole
from .window import MICROSECONDS, moment


@dataclass(frozen=True)
class Doomed:
    """Which records to erase: those of one request, or all before a time."""

    request_id: str | None
    before: datetime | None

    def record(self, record: Record) -> bool:
        """Whether to erase one record."""
        if self.before is None:
            return record.request_id == self.request_id
        return record.time < self.before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def mask(self, batch: pa.RecordBatch) -> pa.Array:
        """Return which records of a batch to erase."""
        if self.before is None:
            return pc.equal(batch["request_id"], self.request_id)
        return pc.less(batch["time"], pa.scalar(self.before, MICROSECONDS))

    def whole(self, part: Part) -> bool:
        """Whether a whole file can be deleted, judging by its day."""
        if self.before is None or part.day is None:
            return False
        day = datetime.fromisoformat(part.day).replace(tzinfo=UTC)
        return day + timedelta(days=1) <= self.before


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log erase`."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--request-id", metavar="ID", help="the records of one request")
    which.add_argument(
        "--before", metavar="TIME", help="all records before this day or time (retention)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only count the records")
    options.folders(parser)


def run(args: argparse.Namespace) -> int:
    """Erase the records and print how many there were, and where."""
    doomed = Doomed(args.request_id, moment(args.before) if args.before else None)
    with sole(args.folders):
        segments = sum(in_segment(Segment(p), doomed, args.dry_run) for p in _segments(args))
        parts = sum(in_part(Part(p), doomed, args.dry_run) for p in _parts(args))
        answers = sum(
            stored_answers.erase(file, doomed.request_id, doomed.before, args.dry_run)
            for file in stored_answers.find(args.folders)
        )
    verb = "would erase" if args.dry_run else "erased"
    print(
        f"{verb} {numbered(segments + parts, 'record')}: {segments:,} in segments, "
        f"{parts:,} in Parquet; and {numbered(answers, 'stored answer')}"
    )
    return 0 if segments + parts + answers else 1


def in_segment(source: Segment, doomed: Doomed, dry_run: bool = False) -> int:
    """Blank the records in a segment, and delete it if none is left; return their number.

    Raises DamagedLogError if a line cannot be read, since it might be one to erase.
    """
    found = list(_doomed_lines(source, doomed))
    count = sum(1 for _, line in found if not segment.is_erased(line))
    if dry_run or not found:
        return count
    with source.path.open("r+b", buffering=0) as file:
        for offset, line in found:
            os.pwrite(file.fileno(), blank(line), offset)
        os.fsync(file.fileno())
    if doomed.before is not None:
        _delete_if_empty(source)
    return count


def blank(line: bytes) -> bytes:
    """Return a line of the same length that only says when a record was erased."""
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
    kept = KEPT.findall(line)
    chain = b',"chain":"' + kept[-1] + b'"' if kept else b""
    stub = ERASED + b'"time":"' + time + b'"' + chain + b"}"
    if len(stub) >= len(line):
        raise MonitoringError(f"a line of {len(line)} bytes is too short to blank")
    return stub.ljust(len(line) - 1) + b"\n"


def in_part(source: Part, doomed: Doomed, dry_run: bool = False) -> int:
    """Rewrite a Parquet file without the records, or delete it; return their number."""
    count = source.rows() if doomed.whole(source) else _count(source, doomed)
    if dry_run or not count:
        return count
    if count == source.rows():
        source.path.unlink()
    else:
        _rewrite(source, doomed)
    sync_folder(source.path.parent)
    return count


def _count(source: Part, doomed: Doomed) -> int:
    return sum(pc.sum(doomed.mask(batch)).as_py() or 0 for batch in source.batches())


def _rewrite(source: Part, doomed: Doomed) -> None:
    writer = Writer(source.path)
    for batch in source.batches():
        writer.add(batch.filter(pc.invert(doomed.mask(batch))))
    writer.close()
    writer.temporary.rename(source.path)


def _doomed_lines(source: Segment, doomed: Doomed) -> Iterator[tuple[int, bytes]]:
    """Yield the lines to blank, also those that a killed erasure left half blanked."""
    needle = spelled(doomed.request_id) if doomed.request_id else b""
    for offset, line in source.lines():
        if segment.is_erased(line):
            if not _is_json(line):
                yield offset, line
        elif needle in line and doomed.record(source.decode_line(decode, offset, line)):
            yield offset, line


def _delete_if_empty(source: Segment) -> None:
    """Delete a closed segment that holds erased lines only."""
    if source.is_closed() and all(segment.is_erased(line) for _, line in source.lines()):
        source.path.unlink()
        sync_folder(source.path.parent)


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _segments(args: argparse.Namespace) -> list[Path]:
    return _files(args.folders, segment.PATTERN)


def _parts(args: argparse.Namespace) -> list[Path]:
    """Return all Parquet files, after deleting what an interrupted compaction left."""
    for leftover in _files(args.folders, f".score-*{TEMPORARY}"):
        if not args.dry_run:
            leftover.unlink()
    return _files(args.folders, f"score-*{part.SUFFIX}")


def _files(places: list[Path], pattern: str) -> list[Path]:
    """Return the files matching a pattern.

    Files beside their segment count too: both hold the record.
    """
    check_places(places)
    found: list[Path] = []
    for place in places:
        found += sorted(place.rglob(pattern)) if place.is_dir() else [place]
    return [path for path in found if path.match(pattern)]
