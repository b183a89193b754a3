"""Score a folder of Parquet with Spark: spark-submit score_folder.py BUNDLE IN OUT."""

import sys

from credit_express.on_spark import spark_scorer
from pyspark.sql import SparkSession

bundle, source, out = sys.argv[1:]
spark = SparkSession.builder.appName("credit-express").getOrCreate()
spark_scorer(spark.read.parquet(source), bundle, ship=True).write.parquet(out)
