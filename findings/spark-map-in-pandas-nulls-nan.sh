#!/bin/bash
# Spark's mapInPandas turns NaN into NULL, even with a function that changes nothing.
#
# Surprising: a double column of NULL, NaN and 1.5 comes back as NULL, NULL and 1.5 from a function
# that yields each frame as it came. mapInArrow gives every cell back. A column that only passes
# through a scoring job has lost a difference, and `x IS NULL` finds other rows than before.
# Versions: pyspark 4.3.0, pandas 3.0.6, pyarrow 26.0.1, Java 17. Source: seen while scoring a table.
# Who meets it: whoever scores a Spark DataFrame by pandas and keeps its other columns.
# Way out: mapInArrow.
# Output seen:
#   input: [None, nan, 1.5]
#   mapInPandas: [None, None, 1.5]
#   mapInArrow: [None, nan, 1.5]
set -euo pipefail
command -v java > /dev/null || { echo "needs a Java runtime, 17 or later" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyspark==4.3.0 pandas==3.0.6 pyarrow==26.0.1 numpy==2.4.6
cat > "$folder/identity.py" <<'PY'
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
rows = spark.createDataFrame([(1, None), (2, float("nan")), (3, 1.5)], "key int, x double")


def same(batches):
    yield from batches


for name, frame in (
    ("input", rows),
    ("mapInPandas", rows.mapInPandas(same, rows.schema)),
    ("mapInArrow", rows.mapInArrow(same, rows.schema)),
):
    print(f"{name}:", [row.x for row in frame.orderBy("key").collect()])
PY
PYSPARK_PYTHON="$folder/venv/bin/python" "$folder/venv/bin/python" "$folder/identity.py" \
  > "$folder/out" 2> "$folder/err" || { tail "$folder/err"; exit 1; }
cat "$folder/out"
diff <(sed -n 's/^#   //p' "$0") "$folder/out"
