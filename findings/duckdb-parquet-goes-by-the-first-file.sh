#!/usr/bin/env bash
# DuckDB rounds 2.5 to 2 and 3.7 to 4 in a folder of Parquet files, if the first file holds whole numbers.
#
# Parquet has types, and pandas writes int64 for a month in which every value happened to be whole and float64 for the next.
# DuckDB takes the columns and types of the first file for the folder and casts the others to them: numbers are
# rounded, and a column that the first file lacks is left out, silently. pyarrow, pandas and polars refuse
# the fractions. union_by_name=true is right.
#
# Versions: duckdb 2.0.0, pyarrow 26.0.1, polars 2.1.0, pandas 3.0.6, numpy 2.4.6.
# Source: seen while reading a folder of monthly extracts; DuckDB's page on multiple files tells of union_by_name.
# Who meets it: who reads a folder that pandas wrote, month by month, with few or no missing values at first.
# Output seen:
#   duckdb: [1, 2, 2, 4]
#   duckdb, union_by_name: [1.0, 2.0, 2.5, 3.7]
#   pyarrow: ArrowInvalid
#   pandas: ArrowInvalid
#   polars: SchemaError
#   duckdb, a column of the second file alone: ['id', 'late']
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1 polars==2.1.0 pandas==3.0.6 numpy==2.4.6
cat > "$place/look.py" <<'PYTHON'
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset

folder = Path(__file__).with_name("book")
folder.mkdir()
pd.DataFrame({"id": [1, 2], "late": [1, 2]}).to_parquet(folder / "2026-01.parquet")
pd.DataFrame({"id": [3, 4], "late": [2.5, 3.7], "rate": [0.1, 0.2]}).to_parquet(folder / "2026-02.parquet")


def look(name, read):
    try:
        print(f"{name}: {list(read())}")
    except (pa.ArrowInvalid, pl.exceptions.PolarsError) as error:
        print(f"{name}: {type(error).__name__}")


def by_duckdb(options=""):
    rows = duckdb.sql(f"select late from read_parquet('{folder}/*.parquet'{options}) order by id").fetchall()
    return [late for (late,) in rows]


look("duckdb", by_duckdb)
look("duckdb, union_by_name", lambda: by_duckdb(", union_by_name=true"))
look("pyarrow", lambda: pyarrow.dataset.dataset(folder).to_table()["late"].to_pylist())
look("pandas", lambda: pd.read_parquet(folder)["late"])
look("polars", lambda: pl.read_parquet(folder, columns=["late"])["late"])
look("duckdb, a column of the second file alone", lambda: duckdb.sql(f"from '{folder}/*.parquet'").columns)
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
