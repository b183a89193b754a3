#!/bin/bash
# MLServer's PandasCodec encodes no text column of pandas 3, no category and no text that is missing.
#
# Surprising: pandas is a requirement of mlserver without an upper bound, so that pandas 3 is
# installed, where a column of texts has a type of its own. encode_request looks that type up by its
# letter and raises KeyError: 'O'. So it does for dtype category, and for object with None it raises
# TypeError out of isnan. Numbers with NaN become null, as the protocol's JSON wants.
# Versions: mlserver 1.7.1, pandas 3.1.1. Source: seen while sending a credit table by that codec.
# Who meets it: whoever sends a data frame with categories to an Open Inference Protocol server.
# Way out: astype(object), and null replaced by a category of its own, or codes.
# Output seen:
#   object: BYTES [b'car', b'house']
#   object with None: TypeError
#   category: KeyError
#   pandas' own type of texts: KeyError
#   float with NaN: FP64 [1.0, None]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mlserver==1.7.1 pandas==3.1.1
cat > "$folder/codec.py" <<'PY'
import pandas as pd
from mlserver.codecs import PandasCodec


def tried(name, series):
    try:
        encoded = PandasCodec.encode_request(pd.DataFrame({"purpose": series})).inputs[0]
        print(f"{name}: {encoded.datatype} {encoded.data.root}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}")


texts = ["car", "house"]
tried("object", pd.Series(texts, dtype=object))
tried("object with None", pd.Series(["car", None], dtype=object))
tried("category", pd.Series(texts, dtype="category"))
tried("pandas' own type of texts", pd.Series(texts))
tried("float with NaN", pd.Series([1.0, None]))
PY
"$folder/venv/bin/python" "$folder/codec.py" > "$folder/out" 2> "$folder/err" ||
  { tail "$folder/err"; exit 1; }
cat "$folder/out"
diff <(sed -n 's/^#   //p' "$0") "$folder/out"
