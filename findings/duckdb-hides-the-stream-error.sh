#!/bin/bash
# DuckDB hides the exception of an Arrow stream that Python feeds it.
#
# Surprising: a generator behind pyarrow.RecordBatchReader raises an exception of your own class;
# what reaches you is duckdb.InvalidInputException, without your exception as its cause, so
# `except MyError` around the query never runs and exit codes or messages that rest on it are lost.
# pyarrow itself passes the same exception through unchanged.
# Versions: duckdb 2.0.0, pyarrow 26.0.1. Source: seen while exporting a log with a damaged file.
# Who meets it: whoever loads a lazily read source (files, a database cursor) into DuckDB.
# Way out: insert batch by batch, so that the source is read outside DuckDB.
# Output seen:
#   pyarrow: MyError cause None
#   duckdb: InvalidInputException cause None
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q duckdb==2.0.0 pyarrow==26.0.1
"$folder/venv/bin/python" - > "$folder/out" <<'PY'
import duckdb
import pyarrow as pa

schema = pa.schema([("x", pa.int64())])


class MyError(Exception):
    pass


def stream():
    def batches():
        yield pa.record_batch([pa.array([1])], schema=schema)
        raise MyError("the source is damaged")

    return pa.RecordBatchReader.from_batches(schema, batches())


def told(who, work):
    try:
        work()
    except Exception as error:
        print(f"{who}: {type(error).__name__} cause {error.__cause__!r}")


def by_duckdb():
    with duckdb.connect() as connection:
        connection.register("source", stream())
        connection.execute("create table t as select * from source")


told("pyarrow", lambda: stream().read_all())
told("duckdb", by_duckdb)
PY
cat "$folder/out"
diff "$folder/out" - <<'OUT'
pyarrow: MyError cause None
duckdb: InvalidInputException cause None
OUT
