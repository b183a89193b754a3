"""Segments: what the applicants of a group have in common, by one feature as it was sent."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pyarrow as pa

from ..errors import MonitoringError
from .tally import OTHERS

MISSING, UNKNOWN = "(missing)", "(not recorded)"
MOST_SEGMENTS = 50
WANTED = "wanted a feature, or for a number where to divide it, such as AGE:30,45,60"


class Segments:
    """Names the segment of each record of a batch."""

    def __init__(self, text: str) -> None:
        """Take NAME or NAME:EDGE,EDGE. Raises MonitoringError."""
        self.name, _, edges = text.partition(":")
        try:
            self._edges = [float(edge) for edge in edges.split(",")] if edges else []
        except ValueError:
            raise MonitoringError(f"--segment {text}: {WANTED}") from None
        if not self.name or sorted(set(self._edges)) != self._edges:
            raise MonitoringError(f"--segment {text}: {WANTED}, ascending")
        self._bins = bins(self._edges)
        self._found: set[str] = set()
        self.features: set[str] = set()

    def __call__(self, batch: pa.RecordBatch) -> list[str]:
        """Return the segment of each record; the first values met have one each."""
        return [self._of(text) for text in batch["features"].to_pylist()]

    def check(self) -> None:
        """Raise MonitoringError if no record had the feature."""
        if self.features and self.name not in self.features:
            known = ", ".join(sorted(self.features)[:20])
            raise MonitoringError(f"--segment {self.name}: no such feature in the log, but {known}")

    def place(self, named: str) -> tuple[int, str]:
        """Return by what to sort a segment: the ranges of a number as they follow each other."""
        return (self._bins.index(named) if named in self._bins else len(self._bins)), named

    def _of(self, text: str | None) -> str:
        sent = msgspec.json.decode(text) if text else None
        if not isinstance(sent, dict):
            return UNKNOWN
        if self.name not in self.features:
            self.features.update(list(sent)[: 1000 - len(self.features)])
        named = self._named(sent.get(self.name))
        if named not in self._found and len(self._found) >= MOST_SEGMENTS:
            return OTHERS
        self._found.add(named)
        return named

    def _named(self, value: object) -> str:
        if value is None:
            return MISSING
        if isinstance(value, bool):
            return str(value).lower()
        if self._edges and isinstance(value, int | float):
            return self._bins[bisect_right(self._edges, value)]
        return f"{value:g}" if isinstance(value, float) else str(value)


def bins(edges: Sequence[float]) -> list[str]:
    """Name the ranges between the edges."""
    if not edges:
        return []
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"under {edges[0]:g}", *between, f"{edges[-1]:g} and over"]
