#!/usr/bin/env bash
# polars cuts 2.9 to 2 when it makes a frame of dicts, strict=True or not.
#
# Everywhere else polars is strict: a column built from [1, 1, 2.9] raises TypeError, and JSON lines with 2.9 among
# whole numbers raise ComputeError. A list of dicts, which is what a JSON array of applicants or of answers is in
# Python, gets its types from the first 100 rows. From then on 2.9 becomes 2, True becomes 1 and "7" becomes 7, with
# strict=True as well; a key that comes later is left out. So do rows as tuples. infer_schema_length=None is right.
#
# Versions: polars 2.1.0.
# Source: seen while reading a list of applicants whose ages were whole, until one was not.
# Who meets it: who turns decoded JSON into a frame, to score it or to join scores with it.
# Way out: infer_schema_length=None, or a schema.
# Output seen:
#   from_dicts: Int64 [1, 2, -2, 1]
#   DataFrame(rows, strict=True): Int64 [1, 2, -2, 1]
#   DataFrame(tuples): Int64 [1, 2, -2, 1]
#   from_dicts, all rows looked at: Float64 [1.0, 2.9, -2.9, 1.0]
#   DataFrame of columns: TypeError
#   JSON lines: ComputeError
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
cat > "$place/look.py" <<'PYTHON'
import json

import polars as pl

values = [1] * 100 + [2.9, -2.9, True]
rows = [{"age": value} for value in values]
lines = "\n".join(json.dumps(row) for row in rows[:102]).encode()


def look(name, read):
    try:
        ages = read()["age"]
        print(f"{name}: {ages.dtype} {ages[-4:].to_list()}")
    except (TypeError, pl.exceptions.PolarsError) as error:
        print(f"{name}: {type(error).__name__}")


look("from_dicts", lambda: pl.from_dicts(rows))
look("DataFrame(rows, strict=True)", lambda: pl.DataFrame(rows, strict=True))
look("DataFrame(tuples)", lambda: pl.DataFrame([(value,) for value in values], schema=["age"], orient="row"))
look("from_dicts, all rows looked at", lambda: pl.from_dicts(rows, infer_schema_length=None))
look("DataFrame of columns", lambda: pl.DataFrame({"age": values}))
look("JSON lines", lambda: pl.read_ndjson(lines))
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
