#!/usr/bin/env bash
# Azure ML's inference-schema turns a missing yes/no into yes, and "false" too; 3.7 years into 3.
#
# input_schema with a sample data frame is the way Azure ML's scoring scripts say what they take. It casts each request to
# the sample's dtypes by astype: null in a boolean column becomes True, as does the text "false", and 3.7 in one of
# whole numbers becomes 3. Only null among whole numbers is an error. A field too many or too few is refused, so the
# schema looks strict, and enforce_column_type is on by default.
#
# Versions: inference-schema 1.8, pandas 2.3.3, numpy 2.4.6.
# Source: inference_schema/parameter_types/pandas_parameter_type.py, deserialize_input: data_frame.astype(converted_types).
# Who meets it: who scores applicants with an unanswered question by such a script: the model sees an answer.
# Way out: samples of float64 for whatever may be missing, and a check of one's own in front.
# Output seen:
#   as sampled: [2000.5, 42, False]
#   owns null: [2000.5, 42, True]
#   owns "false": [2000.5, 42, True]
#   age 3.7: [2000.5, 3, False]
#   age null: IntCastingNaNError
#   a field more: ValueError
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check inference-schema==1.8 pandas==2.3.3 numpy==2.4.6
cat > "$place/look.py" <<'PYTHON'
import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema

sample = pd.DataFrame({"income": [2000.5], "age": [42], "owns": [True]})


@input_schema("applicants", PandasParameterType(sample))
def run(applicants):
    return [value.item() for value in applicants.iloc[0]]


def look(name, **more):
    try:
        print(f"{name}: {run(applicants=[{'income': 2000.5, 'age': 42, 'owns': False, **more}])}")
    except ValueError as error:
        print(f"{name}: {type(error).__name__}")


look("as sampled")
look("owns null", owns=None)
look('owns "false"', owns="false")
look("age 3.7", age=3.7)
look("age null", age=None)
look("a field more", job="clerk")
PYTHON
"$place/venv/bin/python" "$place/look.py" | tee "$place/said"
diff <(sed -n 's/^#   //p' "$0") "$place/said"
