"""Evidently's result with its default settings and only the column types given."""

import os
import warnings

import pandas as pd


def flagged(reference: pd.DataFrame, current: pd.DataFrame) -> set[str]:
    """Return the columns that Evidently's default tests call drifted."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently import DataDefinition, Dataset, Report  # late: it takes seconds to import
    from evidently.metrics import ValueDrift

    numbers = list(reference.select_dtypes("number").columns)
    texts = [name for name in reference.columns if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    before, now = (
        Dataset.from_pandas(frame, data_definition=definition) for frame in (reference, current)
    )
    names = [*numbers, *texts]
    report = Report([ValueDrift(column=name) for name in names], include_tests=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it divides by zero on a category unseen before
        tests = report.run(current_data=now, reference_data=before).dict()["tests"]
    failed = (test for test in tests if str(test["status"]).upper().endswith("FAIL"))
    return {test["metric_config"]["params"]["column"] for test in failed}
