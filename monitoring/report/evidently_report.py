"""Evidently's report on a sample of the rows, with methods and thresholds chosen by us."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

os.environ["DO_NOT_TRACK"] = "1"  # read when evidently is imported

from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.metrics import LogLoss, MissingValueCount, RocAuc
from evidently.presets import ClassificationPreset, DataDriftPreset
from evidently.presets.dataset_stats import DatasetStats, ValueStats
from evidently.tests import lte

from ..drift.result import Settings
from .errors import ReportError
from .frame import LABEL, PREDICTION
from .methods import Method, method

SUMMARISED = 20
"""Number of columns in the data summary, whose plots are the slowest."""
HEADING = "font: 600 1.25rem sans-serif; margin: 1rem 2rem; overflow-wrap: anywhere"
COLUMN_TESTS = (
    "row_count_tests", "missing_values_count_tests", "min_tests", "max_tests", "mean_tests",
    "std_tests", "q25_tests", "q50_tests", "q75_tests",
)  # fmt: skip
DATASET_TESTS = (
    "row_count_tests", "column_count_tests", "duplicated_row_count_tests",
    "duplicated_column_count_tests", "almost_duplicated_column_count_tests",
    "almost_constant_column_count_tests", "empty_row_count_tests", "empty_column_count_tests",
    "constant_columns_count_tests", "dataset_missing_value_count_tests",
)  # fmt: skip


def drift_report(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    settings: Settings,
    metadata: dict[str, str],
) -> Any:
    """Compare two frames with the same columns; return Evidently's Snapshot."""
    names = list(current.columns)
    alpha = settings.alpha / len(names)
    chosen = {name: method(reference[name], current[name], alpha, settings) for name in names}
    numbers = [name for name in names if pd.api.types.is_numeric_dtype(current[name].dtype)]
    texts = [name for name in names if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    report = Report(_metrics(chosen), include_tests=True, metadata=metadata)
    return _run(report, definition, reference, current)


def outcome_report(
    reference: pd.DataFrame, current: pd.DataFrame, threshold: float | None, about: dict[str, str]
) -> Any:
    """Compare predictions with outcomes; return Evidently's Snapshot.

    Without a threshold only metrics that need none are shown: Evidently would assume 0.5.
    """
    definition = DataDefinition(
        numerical_columns=[PREDICTION],
        classification=[BinaryClassification(target=LABEL, prediction_probas=PREDICTION)],
    )
    decided = [ClassificationPreset(probas_threshold=threshold)]
    metrics = [RocAuc(), LogLoss()] if threshold is None else decided
    return _run(Report(metrics, metadata=about), definition, reference, current)


def _run(report: Any, definition: Any, reference: pd.DataFrame, current: pd.DataFrame) -> Any:
    before, now = (
        Dataset.from_pandas(frame, data_definition=definition) for frame in (reference, current)
    )
    return report.run(current_data=now, reference_data=before)


def _metrics(chosen: dict[str, Method]) -> list[Any]:
    drift = DataDriftPreset(
        columns=list(chosen),
        drift_share=1 / len(chosen),  # one drifted column counts as drift, as in our verdict
        per_column_method={name: how.name for name, how in chosen.items()},
        per_column_threshold={name: how.threshold for name, how in chosen.items()},
    )
    missing = [
        MissingValueCount(column=name, share_tests=[lte(how.missing)], tests=[])
        for name, how in chosen.items()
    ]
    return [drift, *quiet_summary(list(chosen)[:SUMMARISED]), *missing]


def quiet_summary(names: list[str]) -> list[Any]:
    """Return the parts of DataSummaryPreset without its tests.

    These tests compare row counts as if both sides had the same size. The preset's own
    `include_tests=False` makes evidently 0.7.23 raise KeyError, and one of its tests always stays;
    its parts accept empty lists.
    """
    column: dict[str, Any] = {test: [] for test in COLUMN_TESTS}
    dataset: dict[str, Any] = {test: [] for test in DATASET_TESTS}
    stats = [ValueStats(name, **column, unique_values_count_tests={}) for name in names]
    return [DatasetStats(**dataset), *stats]


def save(snapshot: Any, folder: Path, name: str, title: str) -> None:
    """Write NAME.html and NAME.json; `title`, at the top of the page, must hold no markup.

    Raises ReportError if Evidently wrote nothing.
    """
    partial = folder / f".{name}.html.{os.getpid()}"
    snapshot.save_html(str(partial))  # with a Path it silently writes nothing
    if not partial.is_file() or not partial.stat().st_size:
        raise ReportError(f"Evidently wrote nothing to {partial}")
    partial.write_text(_titled(partial.read_text("utf-8"), title), "utf-8")
    partial.replace(folder / f"{name}.html")
    document = _without_nan(json.loads(snapshot.json()))
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1, allow_nan=False))


def _titled(page: str, title: str) -> str:
    """Put a title on Evidently's page, which names neither model nor time by itself."""
    head = f'<title>{title}</title></head><body><h2 style="{HEADING}">{title}</h2>'
    return re.sub(r"</head>\s*<body>", lambda _: head, page, count=1)


def _without_nan(value: Any) -> Any:
    """Return JSON with null for NaN and infinities, which strict parsers refuse."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
