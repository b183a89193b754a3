#!/usr/bin/env bash
# DuckDB's read_json reads a column of numbers as nothing but NULL, if the first 20,480 lines hold null.
#
# The types are taken from a sample at the head of the file. A member that is null there gets the type "NULL",
# and every number behind the sample is then null too: no error, no warning. A column of whole numbers there
# rounds 2.5 to 2 and 2.7 to 3, and a column of true and false makes true of 7. A text among numbers is an
# error, and so is a new member, so that one relies on the check. With sample_size=-1 all is right.
#
# Versions: duckdb 2.0.0.
# Source: seen while reading a log of JSON lines, of which a field was filled from some day on.
# Who meets it: who queries logs or exports of JSON lines: outcomes, reasons, a feature added later.
# Way out: sample_size=-1, or columns={...}.
# Output seen:
#   null in 20479 lines, then 1.5 in 1000: DOUBLE, 1000 values
#   null in 20480 lines, then 1.5 in 1000: "NULL", 0 values
#   the same with sample_size=-1: DOUBLE, 1000 values
#   0 in 20480 lines, then 2.7 in 1000: BIGINT, the last is 3
#   true in 20480 lines, then 7 in 1000: BOOLEAN, the last is True
#   0 in 20480 lines, then "x" in 1000: InvalidInputException
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0
cat > "$place/look.py" <<'PYTHON'
import json
from pathlib import Path

import duckdb

path = Path(__file__).with_name("rows.jsonl")


def read(first, lines, then, options=""):
    values = [first] * lines + [then] * 1000
    path.write_text("".join(json.dumps({"id": i, "a": value}) + "\n" for i, value in enumerate(values)))
    return duckdb.sql(f"select any_value(typeof(a)), count(a), max_by(a, id) from read_json('{path}'{options})").fetchall()[0]


print("null in 20479 lines, then 1.5 in 1000: {}, {} values".format(*read(None, 20479, 1.5)))
print("null in 20480 lines, then 1.5 in 1000: {}, {} values".format(*read(None, 20480, 1.5)))
print("the same with sample_size=-1: {}, {} values".format(*read(None, 20480, 1.5, ", sample_size=-1")))
print("0 in 20480 lines, then 2.7 in 1000: {0}, the last is {2}".format(*read(0, 20480, 2.7)))
print("true in 20480 lines, then 7 in 1000: {0}, the last is {2}".format(*read(True, 20480, 7)))
try:
    print(read(0, 20480, "x"))
except duckdb.Error as error:
    print('0 in 20480 lines, then "x" in 1000:', type(error).__name__)
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
