"""A book of applicants as a Parquet file: as many rows as asked for, drawn from a seed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..workload import applicants, demo
from ..workload.demo import Demo
from ..workload.models import Size

PART_ROWS = 100_000
VARIED = 0.1


def write(size: Size | Demo, count: int, file: Path) -> None:
    """Write `count` rows for a model, hardly any twice, in parts that fit in memory."""
    seeds = range(-(-count // PART_ROWS))
    parts = varied(seeds) if isinstance(size, Demo) else drawn(size, seeds)
    first = next(parts)
    with pq.ParquetWriter(file, first.schema) as out:
        out.write_table(first.slice(0, count))
        for done, part in enumerate(parts, start=1):
            out.write_table(part.slice(0, count - done * PART_ROWS))


def varied(seeds: range) -> Iterator[pa.Table]:
    """Yield held-out applicants of the demo model, drawn again, with amounts a little different."""
    held_out = pq.read_table(demo.HELD_OUT).replace_schema_metadata(None)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        part = held_out.take(pa.array(rng.integers(0, held_out.num_rows, PART_ROWS)))
        for place, field in enumerate(part.schema):
            if pa.types.is_floating(field.type):
                factors = rng.uniform(1 - VARIED, 1 + VARIED, PART_ROWS)
                amounts = np.rint(part.column(place).to_numpy() * factors)
                part = part.set_column(place, field, pa.array(amounts))
        yield part


def drawn(size: Size, seeds: range) -> Iterator[pa.Table]:
    """Yield rows of the made-up bureau, NaN where missing."""
    for seed in seeds:
        X, _ = applicants.draw(PART_ROWS, 100 + seed, size.features)
        yield pa.table(dict(zip(applicants.names(size.features), X.T.copy(), strict=True)))
