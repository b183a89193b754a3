"""Counters in memory shared by all processes, so that each of them can give exact sums.

There is one row of int64 per worker, written only by that worker; a reader adds the rows. Rows
outlive their worker: what a dead worker counted stays counted.
"""

import mmap
from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import inf

ENDPOINTS = ("score", "infer", "other")
STATUSES = (
    200, 400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 431, 499, 500, 501, 503, 504, 505,
)  # fmt: skip
DECISIONS = ("approve", "refer", "refuse")
STAGES = ("wait", "score", "record", "total")
# Upper bounds in seconds; the last bucket is open.
BUCKETS = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
)  # fmt: skip
BOUNDS = (*BUCKETS, inf)
PLAIN = (
    "applicants", "in_flight", "shed", "faults", "log_records", "log_bytes",
    "log_failures", "log_unrecorded", "restarts", "gc_pauses", "gc_ns",
    "shadow_scored", "shadow_failed", "shadow_disagreed", "shadow_ns", "unhandled", "replayed",
    "warnings", "connections", "timeouts",
)  # fmt: skip
GAUGES = ("in_flight", "connections")
# Counts, then the sum in nanoseconds.
HISTOGRAM = len(BUCKETS) + 2


class Layout:
    """The position of each number in a row."""

    def __init__(self) -> None:
        names = [("plain", name) for name in PLAIN]
        names += [("requests", e, s) for e in ENDPOINTS for s in STATUSES]  # type: ignore[misc]
        names += [("decisions", d) for d in DECISIONS]
        self.at: dict[tuple[object, ...], int] = {name: i for i, name in enumerate(names)}
        self.stages = {s: len(names) + i * HISTOGRAM for i, s in enumerate(STAGES)}
        self.width = len(names) + HISTOGRAM * len(STAGES)


LAYOUT = Layout()
AT = LAYOUT.at


class Table:
    """All rows, in anonymous shared memory; create it before the fork."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._memory = memoryview(mmap.mmap(-1, rows * LAYOUT.width * 8)).cast("q")

    def row(self, index: int) -> "Counters":
        """Return the counters of one worker."""
        begin = index * LAYOUT.width
        return Counters(self._memory[begin : begin + LAYOUT.width])

    def sums(self) -> Sequence[int]:
        """Return every number, summed over the workers."""
        width, values = LAYOUT.width, self._memory.tolist()
        return [sum(values[i::width]) for i in range(width)]


class Counters:
    """The numbers of one worker; an increment is one addition in memory."""

    def __init__(self, row: memoryview) -> None:
        self.row = row
        self._requests = {
            endpoint: {status: AT["requests", endpoint, status] for status in STATUSES}
            for endpoint in ENDPOINTS
        }

    def add(self, name: str, count: int = 1) -> None:
        """Add to a plain counter."""
        self.row[AT["plain", name]] += count

    def request(self, endpoint: str, status: int) -> None:
        """Count an answered request."""
        known = self._requests[endpoint]
        self.row[known.get(status, known[500])] += 1

    def decision(self, decision: str) -> None:
        """Count a decision."""
        self.row[AT["decisions", decision]] += 1

    def observer(self, stage: str) -> Callable[..., None]:
        """Return a function that adds a duration in seconds, or several equal ones, to a
        histogram.
        """
        row, begin, total = self.row, LAYOUT.stages[stage], LAYOUT.stages[stage] + HISTOGRAM - 1

        def observe(seconds: float, times: int = 1) -> None:
            row[begin + bisect_left(BUCKETS, seconds)] += times
            row[total] += int(seconds * 1e9) * times

        return observe

    def observer_of_all(self, stage: str) -> Callable[[Sequence[float]], None]:
        """Return a function that adds several durations in seconds, at least one."""
        row, begin, total = self.row, LAYOUT.stages[stage], LAYOUT.stages[stage] + HISTOGRAM - 1

        def observe(durations: Sequence[float]) -> None:
            if len(durations) == 1:
                row[begin + bisect_left(BUCKETS, durations[0])] += 1
                row[total] += int(durations[0] * 1e9)
                return
            first = bisect_left(BUCKETS, min(durations))
            if max(durations) <= BOUNDS[first]:  # as of requests that came together
                row[begin + first] += len(durations)
            else:
                for each in durations:
                    row[begin + bisect_left(BUCKETS, each)] += 1
            row[total] += int(sum(durations) * 1e9)

        return observe

    def reset_gauges(self) -> None:
        """Zero the gauges, which mean nothing after the worker's death."""
        for name in GAUGES:
            self.row[AT["plain", name]] = 0
