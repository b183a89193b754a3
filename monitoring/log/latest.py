"""The newest scores of a log, found at the ends of its files: nothing is read from the start."""

from collections.abc import Iterator
from pathlib import Path

from .batch import to_lines
from .part import Part
from .record import Record, decode
from .segment import Segment, is_erased
from .sources import find
from .tail import last_lines

FRESH = 4
"""Files looked into: those written last. A server's workers write one each."""
LINES = 200


def latest(
    folders: list[Path], count: int, model: tuple[str, str] | None = None
) -> list[tuple[Record, bytes]]:
    """Return the newest scores, newest first, with their lines; `model`: of (name, version) alone.

    Raises DamagedLogError.
    """
    found: list[tuple[Record, bytes]] = []
    for place, source in enumerate(sorted(find(folders), key=_written, reverse=True)):
        if place >= FRESH and found:
            break
        found += [
            (record, line)
            for record, line in _last(source)
            if record.kind == "score" and model in {None, (record.model, record.version)}
        ]
    return sorted(found, key=lambda one: one[0].time, reverse=True)[:count]


def _written(source: Segment | Part) -> tuple[int, str]:
    return source.path.stat().st_mtime_ns, source.stem


def _last(source: Segment | Part) -> Iterator[tuple[Record, bytes]]:
    if isinstance(source, Part):
        *_, batch = source.batches()
        yield from (
            (decode(line), line) for line in to_lines(batch.slice(max(0, len(batch) - LINES)))
        )
        return
    lines, end = last_lines(source, LINES)
    offset = end - sum(map(len, lines))
    for line in lines:
        if not is_erased(line):
            yield source.decode_line(decode, offset, line), line
        offset += len(line)
