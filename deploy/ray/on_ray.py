"""Score a Ray dataset, or a folder of files on Ray. In the wheel this is credit_express.on_ray.

Every node needs the wheel (`runtime_env={"py_modules": [...]}`, or an image), pyarrow and the
bundle under the same path.
"""

from pathlib import Path

import pyarrow as pa
import ray
from ray.data import Dataset

from .server.offline.score_file import Ways, score_file
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


def score_folder(
    source: str | Path, bundle: str | Path, out: str | Path, tasks: int = 1,
    reasons: Reasons = "none", language: str | None = None,
) -> None:  # fmt: skip
    """Score a folder of files into a folder, each task every `tasks`-th file, as `server score`.

    No row passes through Ray. Every node needs both folders under the same path; called again, it
    goes on where it stopped. A row that Scorer refuses fails the run.
    """
    given = (str(source), str(bundle), str(out), reasons, language)
    ray.get([score_files.remote(*given, part=(index, tasks)) for index in range(tasks)])


@ray.remote(num_cpus=1)
def score_files(
    source: str, bundle: str, out: str, reasons: Reasons, language: str | None,
    part: tuple[int, int],
) -> None:  # fmt: skip
    """Score some of a folder's files."""
    scorer = Scorer.load(bundle, reasons=reasons, language=language)
    score_file(scorer, Path(source), Path(out), Ways(resume=True, part=part))
