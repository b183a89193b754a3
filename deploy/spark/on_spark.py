"""Score a Spark DataFrame with a bundle. In the wheel this is credit_express.on_spark.

Every worker's Python needs the wheel and pyarrow, and the bundle under the same path.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from .server.offline.scorer import Scorer


@cache
def loaded(bundle: str) -> Scorer:
    """Return the scorer of a bundle, loaded once in a Python worker."""
    return Scorer.load(bundle)


def spark_scorer(frame: DataFrame, bundle: str | Path) -> DataFrame:
    """Return the frame with the columns that Scorer adds; a row that it refuses fails the job."""
    path = str(bundle)

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from map(loaded(path).score, batches)

    added = from_arrow_schema(loaded(path).added)
    return frame.mapInArrow(score, StructType([*frame.schema.fields, *added.fields]))
