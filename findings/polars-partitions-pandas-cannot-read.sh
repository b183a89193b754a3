#!/bin/bash
# pandas and pyarrow cannot read a partitioned folder that polars wrote.
#
# Surprising: all of them write and read "hive" folders (region=north/…), but polars' write_parquet
# with partition_by keeps the column inside the files as well, as large_string. pyarrow infers a
# dictionary from the folder's name and refuses to merge the two: read_table and pandas.read_parquet
# raise ArrowTypeError. polars and DuckDB read the folder. What pandas and DuckDB write has the column
# in the name alone, and everybody reads it.
# Versions: polars 2.1.0, pyarrow 26.0.1, pandas 3.0.6, duckdb 2.0.1. Source: seen while scoring such folders.
# Who meets it: whoever hands a partitioned table from polars to pandas, Dask or Ray (pyarrow reads there too).
# Way out: polars' PartitionBy with include_key=False, or partitioning=None (keeps the files' column).
# Output seen:
#   polars wrote ['region', 'income']
#   pyarrow: ArrowTypeError
#   pandas: ArrowTypeError
#   polars: 2 rows
#   duckdb: 2 rows
#   pyarrow, partitioning=None: 2 rows
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q polars==2.1.0 pyarrow==26.0.1 pandas==3.0.6 duckdb==2.0.1
cd "$folder"
"$folder/venv/bin/python" - > "$folder/out" <<'PY'
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow.parquet as pq

table = polars.DataFrame({"region": ["north", "south"], "income": [1.0, 2.0]})
table.write_parquet("book", partition_by=["region"])
first = min(Path("book").rglob("*.parquet"))
print("polars wrote", pq.ParquetFile(first).schema_arrow.names)


def told(who, read):
    try:
        print(f"{who}: {read()} rows")
    except Exception as error:
        print(f"{who}: {type(error).__name__}")


told("pyarrow", lambda: pq.read_table("book").num_rows)
told("pandas", lambda: len(pandas.read_parquet("book")))
told("polars", lambda: len(polars.read_parquet("book")))
told("duckdb", lambda: len(duckdb.sql("select * from 'book/**/*.parquet'").fetchall()))
told("pyarrow, partitioning=None", lambda: pq.read_table("book", partitioning=None).num_rows)
PY
cat "$folder/out"
diff - "$folder/out" <<'WANTED'
polars wrote ['region', 'income']
pyarrow: ArrowTypeError
pandas: ArrowTypeError
polars: 2 rows
duckdb: 2 rows
pyarrow, partitioning=None: 2 rows
WANTED
