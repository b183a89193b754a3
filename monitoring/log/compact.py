"""compact: turn closed segments into Parquet, then delete them.

  python -m monitoring log compact /var/log/credit

Writes FOLDER/parquet/model=M/version=V/day=D/<segment>.parquet (zstd), which DuckDB, polars,
pandas and Spark can read. It may be killed and run again at any moment: no record is lost or
doubled. A segment is deleted only when the Parquet files on disk hold all its records. A record
that occurs several times in the segments of one run is written once.
"""

import argparse
import os
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from ..errors import MonitoringError
from ..wording import numbered
from . import options, part
from .batch import batches, by_version
from .chain import Chain
from .once import Once
from .segment import PATTERN, Segment, is_erased, lock, sync_folder
from .sources import check_places
from .upkeep import sole

FOLDER = "parquet"
GROUP_ROWS = 16_384
TEMPORARY = ".tmp"
REPEATING = ["model_version", "kind", "sha256", "policy", "decision", "flags", "status"]


class Writer:
    """Writes the Parquet file of one partition under a temporary name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}{TEMPORARY}")
        self.rows = 0
        self._waiting: list[pa.RecordBatch] = []
        private(path.parent)
        descriptor = os.open(self.temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._parquet = pq.ParquetWriter(
            self._file,
            part.STORED,
            compression="zstd",
            use_dictionary=REPEATING,
            write_page_checksum=True,
        )

    def add(self, batch: pa.RecordBatch) -> None:
        """Add a batch of this partition."""
        self.rows += batch.num_rows
        self._waiting.append(part.Part.stored(batch))
        if sum(waiting.num_rows for waiting in self._waiting) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the footer and sync the file. Raises MonitoringError."""
        self._flush()
        self._parquet.add_key_value_metadata({part.RECORDS: str(self.rows)})
        self._parquet.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        written = pq.read_metadata(self.temporary).num_rows
        if written != self.rows:
            raise MonitoringError(f"{self.temporary}: wanted {self.rows} rows, got {written}")

    def _flush(self) -> None:
        if self._waiting:
            self._parquet.write_table(pa.Table.from_batches(self._waiting))
            self._waiting = []


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log compact`."""
    options.folders(parser)
    parser.add_argument(
        "--into",
        type=Path,
        metavar="DIR",
        help="where to write the Parquet files (default: FOLDER/parquet)",
    )
    parser.add_argument(
        "--idle", type=float, default=0, metavar="MINUTES",
        help="skip segments written to in the last MINUTES, for a log shipper to finish (0)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Compact every closed segment in the folders and print one line for each."""
    with sole([*args.folders, *([args.into] if args.into and args.into.is_dir() else [])]):
        check_places(args.folders)
        for place in args.folders:
            paths = sorted(place.rglob(PATTERN)) if place.is_dir() else [place]
            segments = [Segment(path) for path in paths if path.match(PATTERN)]
            bar = tqdm(segments, desc="compact", unit=" segments", disable=None)
            for root, same in groupby(bar, lambda s: args.into or s.path.parent / FOLDER):
                once = Once()  # a copy in another folder belongs to another log
                for segment in same:
                    if not args.idle or is_idle(segment, args.idle):
                        tqdm.write(compact(segment, root, once))
                once.tell()
    return 0


def private(folder: Path) -> None:
    """Create a folder and its parents for the owner only; `mkdir(parents=True)` would
    ignore the mode.
    """
    for missing in [*(above for above in reversed(folder.parents) if not above.exists()), folder]:
        missing.mkdir(mode=0o700, exist_ok=True)


def is_idle(segment: Segment, minutes: float) -> bool:
    """Whether nothing was written to the segment for this many minutes."""
    return time.time() - segment.path.stat().st_mtime >= minutes * 60


def compact(segment: Segment, root: Path, once: Once) -> str:
    """Move the records of a closed segment into Parquet files below `root`; return a report line.

    Records that `once` has seen are copies, which this run already wrote. Raises DamagedLogError if
    the segment is damaged; it is then left as it is.
    """
    with segment.path.open("rb") as file:
        if not lock(file.fileno()):
            return f"{segment.path.name}: still open, skipped"
        before = segment.size()
        writers = write(segment, root, once)
        publish(segment, root, writers)
        segment.path.unlink()
        sync_folder(segment.path.parent)
    after = sum(writer.path.stat().st_size for writer in writers)
    records = sum(writer.rows for writer in writers)
    torn = f", a torn last line of {segment.torn:,} bytes dropped" if segment.torn else ""
    held, files = numbered(records, "record"), numbered(len(writers), "file")
    return f"{segment.path.name}: {held}, {before:,} -> {after:,} bytes, {files}{torn}"


def write(segment: Segment, root: Path, once: Once) -> list[Writer]:
    """Write the Parquet files under temporary names and sync them. Raises MonitoringError."""
    records, doubled = checked(segment), once.doubled.total()
    writers: dict[Path, Writer] = {}
    for batch in batches(segment):
        for folder, rows in partitions(once.select(batch)):
            path = root / folder / f"{segment.stem}{part.SUFFIX}"
            if path not in writers:
                writers[path] = Writer(path)
            writers[path].add(rows)
    for writer in writers.values():
        writer.close()
    written = sum(writer.rows for writer in writers.values())
    copies = once.doubled.total() - doubled
    if written + copies != records:
        raise MonitoringError(
            f"{segment.path}: holds {records} records, {copies} of them copies, wrote {written}"
        )
    return list(writers.values())


def checked(segment: Segment) -> int:
    """Return how many records a segment holds. Raises BrokenChainError."""
    chain, count = Chain(segment), 0
    for offset, line in segment.lines():
        chain.follow(offset, line)
        count += not is_erased(line)
    return count


def publish(segment: Segment, root: Path, writers: list[Writer]) -> None:
    """Rename the files to their final names, and delete what an interrupted run left.

    Until the segment is deleted, readers use it and ignore its Parquet files. So they see each
    record exactly once at any moment.
    """
    for writer in writers:
        writer.temporary.rename(writer.path)
    names = {f"{segment.stem}{part.SUFFIX}", f".{segment.stem}{part.SUFFIX}{TEMPORARY}"}
    kept = {writer.path for writer in writers}
    for folder in root.glob("model=*/version=*/day=*"):
        for path in {folder / name for name in names} - kept:
            path.unlink(missing_ok=True)
    for writer in writers:
        for folder in (*writer.path.parents[:3], root, root.parent):
            sync_folder(folder)


def partitions(batch: pa.RecordBatch) -> Iterator[tuple[Path, pa.RecordBatch]]:
    """Split a batch by model, version and UTC day."""
    for (model, version), rows in by_version(batch):
        days = rows["time"].cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
        days = days.astype("datetime64[D]")
        for day in np.unique(days):
            yield part.folder_of(model, version, str(day)), rows.filter(pa.array(days == day))
