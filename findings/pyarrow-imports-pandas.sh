#!/bin/bash
# pyarrow imports pandas, where it is installed, when it makes an array of a list or asks for numpy.
#
# Surprising: no pandas object is anywhere near. pa.array(["a"]), pa.scalar(1) and Array.to_numpy()
# import all of pandas to ask whether they were handed a Series: 0.2 s of a batch job's start. And
# sys.modules["pandas"] = None, Python's own word for "not installed", ends in an AttributeError.
# Versions: pyarrow 26.0.1, pandas 3.0.6, numpy 2.4.6. Source: seen while timing a job on Parquet files.
# Who meets it: whoever starts short jobs with pyarrow in an environment that also has pandas.
# Way out: a finder in sys.meta_path that raises ModuleNotFoundError for pandas.
# Output seen:
#   reading Parquet: False
#   dictionary_encode: False
#   numpy.from_dlpack: False
#   to_numpy: True
#   array of a list: True
#   scalar: True
#   None in sys.modules: AttributeError
#   a finder that raises: ['a'] False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pyarrow==26.0.1 pandas==3.0.6 numpy==2.4.6
cat > "$folder/ways.py" <<'PY'
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

file, way = sys.argv[1:]
if way == "write":
    pq.write_table(pa.table({"a": [1.0, 2.0]}), file)
    sys.exit()
column = pq.ParquetFile(file).read()["a"].chunk(0)
ways = {
    "reading Parquet": lambda: column,
    "dictionary_encode": column.dictionary_encode,
    "numpy.from_dlpack": lambda: np.from_dlpack(column),
    "to_numpy": column.to_numpy,
    "array of a list": lambda: pa.array(["a"]),
    "scalar": lambda: pa.scalar(1),
}


class Hidden:
    def find_spec(self, name, *_):
        if name == "pandas":
            raise ModuleNotFoundError(name)


if way == "None in sys.modules":
    sys.modules["pandas"] = None
    try:
        pa.array(["a"])
    except Exception as error:
        print(f"{way}: {type(error).__name__}")
elif way == "a finder that raises":
    sys.meta_path.insert(0, Hidden())
    print(f"{way}: {pa.array(['a']).to_pylist()} {'pandas' in sys.modules}")
else:
    ways[way]()
    print(f"{way}: {'pandas' in sys.modules}")
PY
run() { "$folder/venv/bin/python" "$folder/ways.py" "$folder/a.parquet" "$1"; }
run write
for way in "reading Parquet" dictionary_encode numpy.from_dlpack to_numpy "array of a list" scalar \
  "None in sys.modules" "a finder that raises"; do run "$way"; done > "$folder/out"
cat "$folder/out"
diff <(sed -n 's/^#   //p' "$0") "$folder/out"
