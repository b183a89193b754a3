"""Score a Ray dataset with a bundle. In the wheel this is credit_express.on_ray.

Every node needs the wheel (`runtime_env={"py_modules": [...]}`, or an image), pyarrow and the
bundle under the same path.
"""

from pathlib import Path

import pyarrow as pa
from ray.data import Dataset

from .server.offline.scorer import Scorer
from .server.settings import Reasons

BATCH_ROWS = 1 << 14


class ScoringActor:
    """Holds one model, loaded once."""

    def __init__(self, bundle: str, reasons: Reasons, language: str | None) -> None:
        self._scorer = Scorer.load(bundle, reasons=reasons, language=language)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return the rows with their scores."""
        return pa.Table.from_batches([self._scorer.score(batch)])


def ray_scorer(
    dataset: Dataset, bundle: str | Path, actors: int = 1, batch_rows: int = BATCH_ROWS,
    reasons: Reasons = "none", language: str | None = None,
) -> Dataset:  # fmt: skip
    """Return the dataset with the columns that Scorer adds; a row that it refuses fails the run.

    Each actor takes a CPU for good: leave one to Ray for reading. Rows keep their order only under
    `DataContext.get_current().execution_options.preserve_order = True`.
    """
    return dataset.map_batches(
        ScoringActor, fn_constructor_args=(str(bundle), reasons, language), batch_format="pyarrow",
        batch_size=batch_rows, zero_copy_batch=True, concurrency=actors, num_cpus=1,
    )  # fmt: skip
