#!/bin/bash
# pyarrow casts a decimal to float64 with the wrong last bit, in one of eight amounts of money.
#
# Surprising: a DECIMAL(38, 2) column holds 12.34 exactly as people write it, yet
# `column.cast(pa.float64())` gives another float64 than float("12.34") for 13 % of random amounts
# of seven digits. DuckDB and polars give the right one. A split's threshold that was trained on the
# text 12.34 then sends such a row to the other side.
# Versions: pyarrow 26.0.1, duckdb 2.0.0, polars 2.1.0. Source: seen while reading one table from CSV
# and from Parquet. Who meets it: whoever scores or joins on decimals read as doubles.
# Way out: through the text (`cast(string).cast(float64)`) or Python's float(Decimal).
# Output seen:
#   7 digits, scale 2: wrong of 20000: {'pyarrow': 2597, 'by text': 0, 'duckdb': 0, 'polars': 0}
#   15 digits, scale 2: wrong of 20000: {'pyarrow': 2740, 'by text': 0, 'duckdb': 0, 'polars': 0}
#   17 digits, scale 2: wrong of 20000: {'pyarrow': 246, 'by text': 0, 'duckdb': 0, 'polars': 0}
#   18 digits, scale 6: wrong of 20000: {'pyarrow': 53, 'by text': 0, 'duckdb': 0, 'polars': 0}
#   28 digits, scale 10: wrong of 20000: {'pyarrow': 304, 'by text': 0, 'duckdb': 0, 'polars': 0}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q duckdb==2.0.0 pyarrow==26.0.1 polars==2.1.0
"$folder/venv/bin/python" - > "$folder/out" <<'PY'
import random
from decimal import Decimal

import duckdb
import polars as pl
import pyarrow as pa

random.seed(1)
for digits, scale in ((7, 2), (15, 2), (17, 2), (18, 6), (28, 10)):
    values = [Decimal(random.randrange(10**digits)).scaleb(-scale) for _ in range(20_000)]
    wanted = [float(value) for value in values]
    column = pa.array(values, pa.decimal128(38, scale))
    given = table = pa.table({"x": column})
    found = {
        "pyarrow": column.cast(pa.float64()).to_pylist(),
        "by text": column.cast(pa.string()).cast(pa.float64()).to_pylist(),
        "duckdb": [row[0] for row in duckdb.sql("select x::double from given").fetchall()],
        "polars": pl.from_arrow(table)["x"].cast(pl.Float64).to_list(),
    }
    wrong = {who: sum(map(lambda a, b: a != b, got, wanted)) for who, got in found.items()}
    print(f"{digits} digits, scale {scale}: wrong of 20000:", wrong)
PY
cat "$folder/out"
diff <(sed -n 's/^#   //p' "$0") "$folder/out"
