#!/bin/bash
# Ray Data's default batches turn a null category into the dictionary's last one, and round integers.
#
# Surprising: map_batches gives numpy arrays unless told otherwise. In them a null of a dictionary
# column is "B", a grade that the row does not have, and an int64 column with one null is float64:
# 2**53 + 1 has become 2**53. Nothing is said. batch_format="pyarrow" keeps both.
# Versions: ray 2.60.0, pyarrow 26.0.1, numpy 2.4.6. Source: seen while scoring a table on Ray.
# Who meets it: whoever scores pandas or polars categories with missing values by map_batches.
# Way out: batch_format="pyarrow".
# Output seen:
#   input: ['A', None, 'B'] [9007199254740993, None, 3]
#   default: ['A', 'B', 'B'] [9007199254740992.0, nan, 3.0]
#   pyarrow: ['A', None, 'B'] [9007199254740993, None, 3]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q 'ray[data]==2.60.0' pyarrow==26.0.1 numpy==2.4.6 pandas==3.0.6
cat > "$folder/batches.py" <<'PY'
import pyarrow as pa
import ray

ray.init(num_cpus=1, log_to_driver=False)
grades = pa.array(["A", None, "B"]).dictionary_encode()
table = pa.table({"grade": grades, "number": pa.array([2**53 + 1, None, 3])})


def seen(batch):
    if isinstance(batch, pa.Table):
        cells = [column.to_pylist() for column in batch.columns]
    else:
        cells = [column.tolist() for column in batch.values()]
    return {"seen": [" ".join(map(str, cells))]}


rows = ray.data.from_arrow(table)
print("input:", *(column.to_pylist() for column in table.columns))
print("default:", rows.map_batches(seen).take_all()[0]["seen"])
print("pyarrow:", rows.map_batches(seen, batch_format="pyarrow").take_all()[0]["seen"])
PY
RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" "$folder/batches.py" > "$folder/out" 2> "$folder/err" ||
  { tail "$folder/err"; exit 1; }
cat "$folder/out"
diff <(sed -n 's/^#   //p' "$0") "$folder/out"
