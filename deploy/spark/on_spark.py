"""Score a Spark DataFrame with a bundle. In the wheel this is credit_express.on_spark.

Every worker's Python needs the wheel and pyarrow, and the bundle: under the same path, or shipped.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa
from pyspark import SparkFiles
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

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
