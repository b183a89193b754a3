"""drift-scale: the cost of a verdict and of a report on large files, beside a plain pass.

  python -m bench.power drift-scale --out docs/drift-scale.json

Each part runs in its own process, so that its peak memory is its own. The plain pass reads the same
Parquet file batch by batch and calls numpy.histogram on each column, with our edges.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitoring.drift.choices import DAY
from monitoring.drift.run import count, drift
from monitoring.nightly.output import document
from monitoring.outcomes.ledger import Ledger
from monitoring.report.make import make_report
from monitoring.rows.files import from_file
from monitoring.rows.sample import Sample
from monitoring.rows.table_file import BLOCK_ROWS
from monitoring.rows.tables import Table

from .provenance import Provenance, provenance, said_of

SHAPES = [(100_000, 30), (500_000, 120), (1_000_000, 30)]
REFERENCE_ROWS = 50_000
SAMPLE_ROWS = 5_000
MEGABYTE = 1024


class Cost(msgspec.Struct):
    """The cost of one part on one file: wall and CPU seconds, peak resident megabytes."""

    part: str
    rows: int
    columns: int
    wall_s: float
    cpu_s: float
    peak_mb: float


class Scale(msgspec.Struct, kw_only=True):
    """The raw result, as committed."""

    measured: Provenance | None = None
    versions: dict[str, str] = {}
    costs: list[Cost]


def main(arguments: Sequence[str]) -> int:
    """Measure every part at every size; in the child process, measure one part of one file."""
    args = parser().parse_args(arguments)
    if args.part:
        print(json.dumps(measured(PARTS[args.part], args.folder)))
        return 0
    result = run(args.shapes)
    if args.out:
        args.out.write_bytes(document(result))
    print("\n".join(table(result)))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m bench.power drift-scale`."""
    new = argparse.ArgumentParser(
        prog="python -m bench.power drift-scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    new.add_argument("--shapes", type=_shape, nargs="+", default=SHAPES, metavar="ROWSxCOLUMNS")
    new.add_argument("--out", type=Path, metavar="FILE", help="where the raw result goes")
    new.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    new.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return new


def _shape(text: str) -> tuple[int, int]:
    rows, columns = text.split("x")
    return int(rows), int(columns)


def run(shapes: list[tuple[int, int]]) -> Scale:
    """Write a file of each size and measure the parts on it."""
    begun, costs = provenance(), []
    for rows, columns in shapes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder / "reference.parquet", REFERENCE_ROWS, columns, 1)
            write(folder / "current.parquet", rows, columns, 2)
            for part in PARTS:
                print(f"{part}, {rows:,} x {columns}", file=sys.stderr)
                command = ["drift-scale", "--part", part, "--folder", name]
                done = subprocess.run(
                    [sys.executable, "-m", "bench.power", *command],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                costs.append(Cost(part, rows, columns, **json.loads(done.stdout)))
    versions = {name: version(name) for name in ("evidently", "numpy", "pyarrow")}
    return Scale(measured=begun, versions=versions, costs=costs)


def write(path: Path, rows: int, columns: int, seed: int) -> None:
    """Write log-normal columns with 5 % missing and, one in five, a category of twelve levels."""
    random = np.random.default_rng(seed)
    levels = np.array(list("ABCDEFGHIJKL"))
    writer = None
    for start in range(0, rows, BLOCK_ROWS):
        n = min(BLOCK_ROWS, rows - start)
        batch = pa.record_batch(
            {
                f"column_{i}": levels[random.integers(0, 12, n)]
                if i % 5 == 4
                else np.where(random.random(n) < 0.05, np.nan, random.lognormal(8, 1, n))
                for i in range(columns)
            }
            | {"prediction": random.beta(2, 8, n)}
        )
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_batch(batch)
    if writer:
        writer.close()


def measured(part: Callable[[Path], Callable[[], None]], folder: Path) -> dict[str, float]:
    """Run a part, without its preparation, and return its cost."""
    ready = part(folder)
    wall, cpu = time.perf_counter(), time.process_time()
    ready()
    return {
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE),
    }


def plain_pass(folder: Path) -> Callable[[], None]:
    """Read every batch; numpy.histogram on each number, numpy.unique on each code of a category."""
    reference = from_file(str(folder / "reference.parquet"))
    edges = {c.name: np.array([-np.inf, *c.edges, np.inf]) for c in reference.columns}

    def go() -> None:
        for batch in pq.ParquetFile(folder / "current.parquet").iter_batches(BLOCK_ROWS):
            for name, bins in edges.items():
                column = batch[name]
                if pa.types.is_floating(column.type):
                    values = column.to_numpy(zero_copy_only=False)
                    np.histogram(values[~np.isnan(values)], bins)
                else:
                    np.unique(column.dictionary_encode().indices, return_counts=True)

    return go


def verdict(folder: Path) -> Callable[[], None]:
    """Count every row and compare, as `drift --no-report` does with a bundle's profile."""
    reference = from_file(str(folder / "reference.parquet"))

    def go() -> None:
        source = Table(str(folder / "current.parquet"), reference.columns)
        ledger = Ledger(reference.score_edges, DAY)
        drift(reference, count(source, reference, [ledger]), source=source)

    return go


def report(folder: Path) -> Callable[[], None]:
    """Do everything, including Evidently's report and its import."""
    reference = from_file(str(folder / "reference.parquet"))

    def go() -> None:
        before, now = (Sample(SAMPLE_ROWS, reference.score_edges) for _ in range(2))
        source = Table(str(folder / "current.parquet"), reference.columns)
        ledger = Ledger(reference.score_edges, DAY)
        found = drift(reference, count(source, reference, [now, ledger]), source=source)
        for block in Table(str(folder / "reference.parquet"), reference.columns).blocks():
            before.offer(block)
        make_report(found, reference.columns, before.rows(), now.rows(), folder)

    return go


PARTS = {"plain pass": plain_pass, "verdict": verdict, "verdict and report": report}


def table(scale: Scale) -> list[str]:
    """Return the result as a markdown table."""
    head = "| rows x columns | part | wall s | CPU s | peak MB | times the plain pass (CPU) |"
    versions = ", ".join(f"{name} {number}" for name, number in scale.versions.items())
    lines = [f"{said_of(scale.measured)} {versions}".strip(), "", head]
    lines.append("|---|---|--:|--:|--:|--:|")
    plain = {(c.rows, c.columns): c.cpu_s for c in scale.costs if c.part == "plain pass"}
    for c in scale.costs:
        times = c.cpu_s / max(plain[c.rows, c.columns], 0.01)
        lines.append(
            f"| {c.rows:,} x {c.columns} | {c.part} | {c.wall_s:.1f} | {c.cpu_s:.1f}"
            f" | {c.peak_mb:,.0f} | {times:.1f} |"
        )
    return lines
