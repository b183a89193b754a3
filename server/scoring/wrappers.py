"""Recognise applicants wrapped in another object, as other servers and libraries expect them."""

from collections.abc import Mapping
from typing import Any

from .lenient import is_nested

# The library or server that uses this form, if known.
WRAPPERS = {
    "applicant": "", "body": "", "data": "", "features": "", "input": "", "record": "",
    "records": "", "row": "", "rows": "",
    "dataframe_records": "MLflow's form", "dataframe_split": "MLflow's form",
    "inputs": "the Open Inference Protocol's form, taken at /v2/models/NAME/infer",
    "instances": "TensorFlow Serving's form",
}  # fmt: skip
MOST_MEMBERS = 10


def wrapper_of(value: Mapping[Any, Any]) -> Any:
    """Return the member that holds the applicants, or None; `value` holds no feature itself."""
    if not 0 < len(value) <= MOST_MEMBERS:
        return None
    nested = [name for name, each in value.items() if is_nested(each)]
    if len(value) == 1 or not nested:
        return nested[0] if nested else None
    return next((name for name in nested if name in WRAPPERS), None)
