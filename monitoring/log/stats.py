"""stats: summarise the log by model version: kinds, decisions, scores, latency, flags.

python -m monitoring log stats /var/log/credit --since 2026-11-01 --json
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from ..errors import MonitoringError
from ..markup import visible
from . import options
from .batch import SCHEMA
from .once import Once
from .progress import counted
from .sources import batches

# One pass in bounded memory: one row per version, and one per version and list of flags.
QUERY = """
select model, version, flags, grouping(flags) as whole, count(*) as records,
  min("time") as "first", max("time") as "last", histogram(kind) as kinds,
  histogram(decision) as decisions, min(prediction) as "min", avg(prediction) as mean,
  max(prediction) as "max", approx_quantile(latency_us, [0.5, 0.99]) as latency
from log group by grouping sets ((model, version), (model, version, flags))
order by model, version"""
Row = dict[str, Any]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `log stats`."""
    options.folders(parser)
    options.window(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per model version")


def run(args: argparse.Namespace) -> int:
    """Print the figures of every model version."""
    once = Once()
    log = counted(batches(args.folders, options.window_of(args), once), "stats")
    found = list(reports(summed(log), once))
    if not found:
        print("no records", file=sys.stderr)
    for report in found:
        if args.json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        else:
            print(
                "\n".join(f"{key:<12} {visible(_plain(value))}" for key, value in report.items()),
                end="\n\n",
            )
    return 0


def summed(batches: Iterable[pa.RecordBatch]) -> list[Row]:
    """Return the rows of QUERY. Raises MonitoringError, also for a damaged file."""
    failed: list[MonitoringError] = []

    def remembered() -> Iterator[pa.RecordBatch]:
        """Keep the message of a damaged file, which DuckDB would hide."""
        try:
            yield from batches
        except MonitoringError as error:
            failed.append(error)
            raise

    log = pa.RecordBatchReader.from_batches(SCHEMA, remembered())
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("log", log)
        try:
            rows: list[Row] = connection.sql(QUERY).to_arrow_table().to_pylist()
        except duckdb.Error as error:
            raise failed[0] if failed else MonitoringError(str(error)) from error
    return rows


def reports(rows: Iterable[Row], once: Once) -> Iterator[Row]:
    """Yield the printed figures of every model version; `once` knows the number of copies."""
    rows = list(rows)
    for row in (row for row in rows if row["whole"]):
        key = row["model"], row["version"]
        flags: Counter[str] = Counter()
        for each in (each for each in rows if not each["whole"] and each["flags"]):
            if (each["model"], each["version"]) == key:
                flags.update(dict.fromkeys(each["flags"], each["records"]))
        latency = [value and round(value, 1) for value in row["latency"] or (None, None)]
        yield {
            "model": key[0], "version": key[1], "records": row["records"],
            "doubled": once.doubled[key],
            "first": _stamp(row["first"]), "last": _stamp(row["last"]),
            "kinds": dict(row["kinds"] or ()), "decisions": dict(row["decisions"] or ()),
            "prediction": {name: row[name] for name in ("min", "mean", "max")},
            "latency_us": dict(zip(("p50", "p99"), latency, strict=True)),
            "flags": dict(flags.most_common(20)),
        }  # fmt: skip


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(number)}" for key, number in value.items()) or "-"
    return f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)
