"""Score a Spark DataFrame, or a folder of files on Spark. In the wheel: credit_express.on_spark.

Every worker's Python needs the wheel and pyarrow, and the bundle: under the same path, or shipped.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa
from pyspark import SparkFiles
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from .server.offline.score_file import Ways, score_file
from .server.offline.scorer import Scorer
from .server.settings import Reasons


@cache
def loaded(bundle: str, reasons: Reasons, language: str | None) -> Scorer:
    """Return the scorer of a bundle, loaded once in a Python worker."""
    return Scorer.load(bundle, reasons=reasons, language=language)


def spark_scorer(
    frame: DataFrame, bundle: str | Path, ship: bool = False, reasons: Reasons = "none",
    language: str | None = None,
) -> DataFrame:  # fmt: skip
    """Return the frame with the columns that Scorer adds; a row that it refuses fails the job.

    With `ship`, Spark copies the bundle to the workers (addFile); two bundles in one application
    then need folders of different names.
    """
    path = Path(bundle).resolve()
    if ship:
        frame.sparkSession.sparkContext.addFile(str(path), recursive=True)

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        here = SparkFiles.get(path.name) if ship else str(path)
        yield from map(loaded(here, reasons, language).score, batches)

    added = from_arrow_schema(loaded(str(path), reasons, language).added)
    return frame.mapInArrow(score, StructType([*frame.schema.fields, *added.fields]))


def score_folder(
    spark: SparkSession, source: str | Path, bundle: str | Path, out: str | Path, tasks: int = 1,
    reasons: Reasons = "none", language: str | None = None,
) -> None:  # fmt: skip
    """Score a folder of files into a folder, each task every `tasks`-th file, as `server score`.

    No row passes through Spark. Every worker needs both folders and the bundle under the same path;
    called again, it goes on where it stopped. A row that Scorer refuses fails the job.
    """

    def score(index: int) -> None:
        scorer = loaded(str(bundle), reasons, language)
        score_file(scorer, Path(source), Path(out), Ways(resume=True, part=(index, tasks)))

    spark.sparkContext.parallelize(range(tasks), tasks).foreach(score)
