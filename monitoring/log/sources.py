"""Find the segments and Parquet files of any number of folders, and read them as one log."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from ..errors import MonitoringError
from . import part, segment
from .batch import batches as segment_batches
from .once import Once
from .part import Part
from .segment import Segment
from .window import EVER, Window

CLOCKS_APART = timedelta(hours=1)  # largest clock difference between server and file system
PARTS = f"score-*{part.SUFFIX}"
STRANGERS = ("*.jsonl", "*.jsonl.*", "*.parquet")
EPOCH = datetime.fromtimestamp(0, UTC)
START = "%Y%m%dT%H%M%S.%fZ"


def find(places: Iterable[Path]) -> list[Segment | Part]:
    """Return the segments and Parquet files in folders (or named directly), oldest first.

    A segment found twice is read once. A Parquet file whose segment still exists is ignored: its
    compaction is unfinished, and until then the segment counts. Raises MonitoringError if a place
    does not exist or is not a file of the log.
    """
    places = list(places)
    check_places(places)
    segments: dict[str, Segment] = {}
    for path in _paths(places, segment.PATTERN):  # before the Parquet files, as compaction does
        if path.stem not in segments or path.stat().st_size > segments[path.stem].size():
            segments[path.stem] = Segment(path)
    found = {path.resolve(): Part(path) for path in _paths(places, PARTS)}
    parts = {(p.stem, p.model, p.version, p.day): p for p in found.values()}
    orphans = [p for p in parts.values() if p.stem not in segments]
    if not segments and not orphans:
        check_no_strangers(places)
    return sorted([*segments.values(), *orphans], key=lambda source: source.stem)


def batches(
    places: Iterable[Path], window: Window = EVER, once: Once | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield every record in the window once, as batches of `batch.SCHEMA`; `once` counts copies.

    Raises MonitoringError.
    """
    places, once = list(places), once or Once()
    for source in find(places):
        if touches(source, window):
            for batch in read(source, places):
                selected = once.select(window.select(batch))
                if selected.num_rows:
                    yield selected


def read(source: Segment | Part, places: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    """Yield the batches of one source, or of its Parquet files if it was compacted meanwhile."""
    if isinstance(source, Part):
        yield from source.batches()
        return
    try:
        yield from segment_batches(source)
    except FileNotFoundError:
        for successor in find(places):
            if successor.stem == source.stem and isinstance(successor, Part):
                yield from successor.batches()


def touches(source: Segment | Part, window: Window) -> bool:
    """Whether a source may hold records in the window, by its name and modification time."""
    if isinstance(source, Part):
        day = datetime.fromisoformat(source.day or "1970-01-01").replace(tzinfo=UTC)
        return window.may_touch(day, day + timedelta(days=1))
    try:
        written = datetime.fromtimestamp(source.path.stat().st_mtime, UTC)
    except FileNotFoundError:  # compacted a moment ago: `read` finds its parts
        return True
    begun = max(started(source.stem), EPOCH + CLOCKS_APART)
    return window.may_touch(begun - CLOCKS_APART, written + CLOCKS_APART)


def started(stem: str) -> datetime:
    """Return when a segment was begun, from its name; the epoch if the name does not tell."""
    try:
        return datetime.strptime(stem.split("-")[1], START).replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return EPOCH


def _paths(places: Iterable[Path], pattern: str) -> Iterator[Path]:
    """Yield the files in the places that match a pattern, or the places themselves."""
    for place in places:
        if place.is_dir():
            yield from sorted(place.rglob(pattern))
        elif place.match(pattern):
            yield place


def check_no_strangers(places: Iterable[Path]) -> None:
    """Raise MonitoringError if there are record files, but none with the expected names."""
    for place in places:
        others = [path for name in STRANGERS for path in sorted(place.rglob(name))]
        if others:
            raise MonitoringError(
                f"{place}: wanted {segment.PATTERN} or {PARTS}, got {len(others)} files with other "
                f"names, such as {others[0].name}; restore the names that the server gave them"
            )


def check_places(places: Iterable[Path]) -> None:
    """Raise MonitoringError if a place does not exist or is a file with another name."""
    patterns = (segment.PATTERN, PARTS)
    for place in places:
        if not place.exists():
            raise MonitoringError(f"{place}: no such folder or segment")
        if not place.is_dir() and not any(map(place.match, patterns)):
            raise MonitoringError(f"{place}: wanted a folder, {' or '.join(patterns)}")
