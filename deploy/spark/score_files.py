"""Score a folder of files with Spark, whole files: spark-submit score_files.py BUNDLE IN OUT."""

import sys

from credit_express.on_spark import score_folder
from pyspark.sql import SparkSession

bundle, source, out = sys.argv[1:]
spark = SparkSession.builder.appName("credit-express").getOrCreate()
score_folder(spark, source, bundle, out, spark.sparkContext.defaultParallelism)
