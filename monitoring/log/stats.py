"""stats: what the log holds, by model version: kinds, decisions, scores, latency, flags.

python -m monitoring log stats /var/log/credit --since 2026-11-01 --json
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..markup import visible
from . import options
from .once import Once
from .progress import counted
from .sources import batches

# Latency is counted in bins 1 % wide, so that a log of any length takes the same memory.
PER_DOUBLING = 70
BINS = PER_DOUBLING * 30


class Summary(msgspec.Struct):
    """What is known of one model version; memory does not grow with the log."""

    model: str | None
    version: str | None
    records: int = 0
    doubled: int = 0
    first: str = "9"
    last: str = "0"
    kinds: Counter[str] = msgspec.field(default_factory=Counter)
    decisions: Counter[str] = msgspec.field(default_factory=Counter)
    flags: Counter[str] = msgspec.field(default_factory=Counter)
    prediction_sum: float = 0.0
    predictions: int = 0
    prediction_min: float | None = None
    prediction_max: float | None = None
    latency_bins: list[int] = msgspec.field(default_factory=lambda: [0] * BINS)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of this model version."""
        self.records += batch.num_rows
        span = pc.min_max(batch["time"]).as_py()
        self.first = min(self.first, _stamp(span["min"]))
        self.last = max(self.last, _stamp(span["max"]))
        for counter, column in ((self.kinds, "kind"), (self.decisions, "decision")):
            counter.update(_counts(batch[column]))
        self.flags.update(_counts(pc.list_flatten(batch["flags"])))
        self._add_predictions(batch["prediction"].drop_null())
        self._add_latency(batch["latency_us"].drop_null())

    def _add_predictions(self, values: pa.Array) -> None:
        if not len(values):
            return
        span = pc.min_max(values).as_py()
        low, high = self.prediction_min, self.prediction_max
        self.prediction_min = span["min"] if low is None else min(low, span["min"])
        self.prediction_max = span["max"] if high is None else max(high, span["max"])
        self.prediction_sum += pc.sum(values).as_py()
        self.predictions += len(values)

    def _add_latency(self, values: pa.Array) -> None:
        doublings = np.log2(np.maximum(values.to_numpy(), 1.0))
        bins = np.minimum(doublings * PER_DOUBLING, BINS - 1).astype(np.int64)
        for position, count in zip(*np.unique(bins, return_counts=True), strict=True):
            self.latency_bins[position] += int(count)

    def latency(self, share: float) -> float | None:
        """Return a quantile of the latency in microseconds, within 1 %."""
        cumulated = np.cumsum(self.latency_bins)
        if not cumulated[-1]:
            return None
        position = int(np.searchsorted(cumulated, share * cumulated[-1]))
        return round(float(2 ** ((position + 0.5) / PER_DOUBLING)), 1)

    def report(self) -> dict[str, object]:
        """Return the figures people read."""
        mean = self.prediction_sum / self.predictions if self.predictions else None
        return {
            "model": self.model, "version": self.version, "records": self.records,
            "doubled": self.doubled,
            "first": self.first, "last": self.last, "kinds": dict(self.kinds),
            "decisions": dict(self.decisions),
            "prediction": {"min": self.prediction_min, "mean": mean, "max": self.prediction_max},
            "latency_us": {"p50": self.latency(0.5), "p99": self.latency(0.99)},
            "flags": dict(self.flags.most_common(20)),
        }  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log stats`."""
    options.folders(parser)
    options.window(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per model version")


def run(args: argparse.Namespace) -> int:
    """Print the figures of every model version."""
    once = Once()
    found = summaries(counted(batches(args.folders, options.window_of(args), once), "stats"))
    if not found:
        print("no records", file=sys.stderr)
    for summary in found:
        summary.doubled = once.doubled[summary.model, summary.version]
        report = summary.report()
        if args.json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        else:
            print(
                "\n".join(f"{key:<12} {visible(_plain(value))}" for key, value in report.items()),
                end="\n\n",
            )
    return 0


def summaries(log: Iterable[pa.RecordBatch]) -> list[Summary]:
    """Return one summary per model version, by name."""
    found: dict[tuple[str | None, str | None], Summary] = {}
    for batch in log:
        for key, rows in by_version(batch):
            found.setdefault(key, Summary(*key)).add(rows)
    return [found[key] for key in sorted(found, key=str)]


def by_version(
    batch: pa.RecordBatch,
) -> list[tuple[tuple[str | None, str | None], pa.RecordBatch]]:
    """Split a batch by model and version."""
    pairs = list(zip(batch["model"].to_pylist(), batch["version"].to_pylist(), strict=True))
    keys = list(dict.fromkeys(pairs))
    if len(keys) == 1:
        return [(keys[0], batch)]
    which = np.array([keys.index(pair) for pair in pairs])
    return [(key, batch.filter(pa.array(which == i))) for i, key in enumerate(keys)]


def _counts(column: pa.Array) -> dict[str, int]:
    pairs = pc.value_counts(column.drop_null()).to_pylist()
    return {pair["values"]: pair["counts"] for pair in pairs}


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(number)}" for key, number in value.items()) or "-"
    return f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)
