"""A part is read a batch at a time, however long it is."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from monitoring.log import compact
from monitoring.log.batch import SCHEMA
from monitoring.log.part import SUFFIX, Part, folder_of

ROWS, ROW_BYTES = 1000, 800


def batch(draw: np.random.Generator) -> pa.RecordBatch:
    """Return records whose rows are random, so that compression does not shorten the file."""
    columns = {
        field.name: pa.nulls(ROWS, field.type)
        if field.nullable
        else pa.array([0] * ROWS, pa.int64()).cast(field.type)
        for field in SCHEMA
    }
    columns["row"] = pa.array([draw.bytes(ROW_BYTES) for _ in range(ROWS)], pa.binary())
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def test_a_long_part_is_never_in_memory_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrow would read ahead and keep every row group: here 40 MB of random rows in fifty."""
    monkeypatch.setattr(compact, "GROUP_ROWS", ROWS)
    draw = np.random.default_rng(0)
    writer = compact.Writer(tmp_path / folder_of("m", "1", "2026-11-23") / f"stem{SUFFIX}")
    for _ in range(50):
        writer.add(batch(draw))
    writer.close()
    writer.temporary.rename(writer.path)
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in Part(writer.path).batches(ROWS)]
    assert len(held) == 50
    assert max(held) < writer.path.stat().st_size / 3
