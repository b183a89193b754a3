"""Make Evidently's report from two samples of rows, in well under a minute."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..drift.result import Drift
from ..drift.summary import days_of
from ..markup import distinct, harmless
from ..rows.block import Block
from ..rows.columns import Column
from .columns import shown
from .frame import LABEL, PREDICTION, frame, outcomes

DRIFT_REPORT, OUTCOME_REPORT = "report", "outcomes-report"


def make_report(
    drift: Drift,
    columns: Sequence[Column],
    reference: Block,
    current: Block,
    folder: Path,
    threshold: float | None = None,
) -> list[str]:
    """Write report.html and, with outcomes on both sides, outcomes-report.html; JSON beside each.

    Returns descriptions of what was left out. Raises ReportError.
    """
    from . import evidently_report as evidently  # takes three seconds and 280 MB: only if needed

    before, now = frame(reference, columns), frame(current, columns)
    names, left_out = shown(drift.columns, before, now)
    if PREDICTION in before and PREDICTION in now and PREDICTION not in names:
        names.append(PREDICTION)
    model = harmless(f"{drift.model.name} {drift.model.version}")
    verdict = f"{drift.status} ({drift.level})"
    said = harmless("; ".join(left_out)) or "nothing"
    before, now = (table[names].set_axis(distinct(names), axis=1) for table in (before, now))
    looked = f"looked at {drift.time[:16].replace('T', ' ')} UTC"
    when = harmless(", ".join(filter(None, [days_of(drift.window), looked])))
    about = {"model": model, "window": when, "verdict over all rows": verdict, "left out": said}
    title = f"{model}, {when}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # divisions by zero and deprecations inside evidently
        snapshot = evidently.drift_report(before, now, drift.settings, about)
        evidently.save(snapshot, folder, DRIFT_REPORT, title)
        known = outcomes(reference), outcomes(current)
        if all(_can_be_judged(frame) for frame in known):
            snapshot = evidently.outcome_report(*known, threshold, about)
            evidently.save(snapshot, folder, OUTCOME_REPORT, title)
    return left_out


def _can_be_judged(known: pd.DataFrame) -> bool:
    """Whether both outcomes occur and all predictions are probabilities."""
    return known[LABEL].nunique() == 2 and bool(known[PREDICTION].between(0, 1).all())
