#!/usr/bin/env bash
# In SageMaker's inference toolkit a blank cell of a CSV is 0, or -1, or NaN: the other rows decide.
#
# The toolkit decodes text/csv by numpy.genfromtxt(dtype=None), which gives every column a type by what
# stands in it, in this request. In a column of fractions a blank is NaN. In one of whole numbers it is -1.
# Where it is the only cell, as in every request of one applicant, the column counts as boolean and the blank
# is False: 0 in an array of numbers. So one applicant alone and among others gets two scores, neither of them for a
# missing value. A single row is also of one dimension, or a tuple where its types differ.
#
# Versions: sagemaker-inference 1.10.1, numpy 2.4.6.
# Source: sagemaker_inference/decoder.py, _csv_to_numpy; numpy/lib/_iotools.py, StringConverter, whose values for
# missing cells are False, -1 and nan.
# Who meets it: who sends missing values as CSV to a container built on the toolkit and its default input_fn.
# Way out: an input_fn of one's own, or JSON.
# Output seen:
#   '2000,,3': [2000, 0, 3]
#   '2000,,3' before '1800,42,4': [2000, -1, 3]
#   '2000,,3' before '1800,42.5,4': [2000, nan, 3]
#   '2000,,3' before '1800,,4': [2000, 0, 3]
#   '2000.5,,3': [2000.5, False, 3]
#   shape of '2000,42,3': (3,); of '2000.5,42,3': ()
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check sagemaker-inference==1.10.1 numpy==2.4.6
cat > "$place/look.py" <<'PYTHON'
from sagemaker_inference.decoder import decode

alone = "2000,,3"
print(f"{alone!r}: {decode(alone, 'text/csv').tolist()}")
for other in ("1800,42,4", "1800,42.5,4", "1800,,4"):
    first = decode(alone + "\n" + other, "text/csv")[0]
    print(f"{alone!r} before {other!r}: {list(first.tolist())}")
print(f"'2000.5,,3': {list(decode('2000.5,,3', 'text/csv').tolist())}")
shapes = [decode(row, "text/csv").shape for row in ("2000,42,3", "2000.5,42,3")]
print(f"shape of '2000,42,3': {shapes[0]}; of '2000.5,42,3': {shapes[1]}")
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
