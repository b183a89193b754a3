"""A progress bar on stderr for long work; silent if stderr is not a terminal."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from tqdm import tqdm


def counted(batches: Iterable[pa.RecordBatch], what: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches, showing how many records have been read and how fast."""
    with tqdm(desc=what, unit=" records", unit_scale=True, disable=None) as bar:
        for batch in batches:
            yield batch
            bar.update(batch.num_rows)
