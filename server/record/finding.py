"""Find the scored applicants of a request in the segments of a log, within a time."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic

import msgspec

from .line import LINE_BYTES, Line

BLOCK_BYTES = 8 << 20
MOST_LINES = 1000


class SlowError(Exception):
    """The time was over before all segments were read; the message says how many were."""


def find(folder: Path, request_id: str, day: str, deadline: float) -> list[Line]:
    """Return the scored applicants of the newest segment that holds any, at most a thousand.

    `day`: only segments of this UTC day, YYYYMMDD, or all if empty; `deadline`: a monotonic time.
    Compacted segments are not read. Raises SlowError, and OSError.
    """
    needle = b'"request_id":%b' % msgspec.json.encode(request_id)
    segments = sorted(folder.glob(f"score-{day}*.jsonl"), reverse=True)
    for number, path in enumerate(segments):
        try:
            lines = lines_with(path, needle, deadline)
            decoded = (scored(line, request_id) for line in lines)
            if found := list(islice(filter(None, decoded), MOST_LINES)):
                return found
        except FileNotFoundError:  # compacted or erased meanwhile
            continue
        except TimeoutError as error:
            said = f"{number} of {len(segments)} segments were read, the newest first"
            raise SlowError(said) from error
    return []


def lines_with(path: Path, needle: bytes, deadline: float) -> Iterator[bytes]:
    """Yield the complete lines that hold `needle`; raises TimeoutError after the deadline."""
    rest = b""
    with path.open("rb") as file:
        while (block := file.read(BLOCK_BYTES)) and len(rest) < LINE_BYTES:
            if monotonic() > deadline:
                raise TimeoutError
            whole, newline, tail = block.rpartition(b"\n")
            if newline:
                yield from _matching(rest + whole + newline, needle)
                rest = tail
            else:
                rest += block


def _matching(lines: bytes, needle: bytes) -> Iterator[bytes]:
    at = lines.find(needle)
    while at >= 0:
        end = lines.index(b"\n", at)
        yield lines[lines.rfind(b"\n", 0, at) + 1 : end]
        at = lines.find(needle, end)


def scored(line: bytes, request_id: str) -> Line | None:
    """Decode a line; None if it is no score of this request."""
    try:
        found = msgspec.json.decode(line, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError):  # such as a refusal, which has no score
        return None
    return found if found.kind == "score" and found.request_id == request_id else None
