"""outcomes.json: how well the score separated good from bad (docs/drift.md)."""

import msgspec


class Estimate(msgspec.Struct):
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float


class Quality(msgspec.Struct):
    """Discrimination and calibration over rows with a known outcome."""

    rows: int
    bad: int
    auc: Estimate | None = None
    gini: Estimate | None = None
    ks: Estimate | None = None
    brier: Estimate | None = None
    mean_prediction: float | None = None
    bad_rate: Estimate | None = None


class ScoreBand(msgspec.Struct):
    """A score band: rows scored and labelled, predicted and observed bad rate."""

    low: float | None
    high: float | None
    scored: int
    labelled: int
    bad: int
    mean_prediction: float | None
    bad_rate: Estimate | None


class Cost(msgspec.Struct):
    """What the decisions cost, per row with a known outcome."""

    refuse_at: float
    cost_fn: float
    cost_fp: float
    rows: int
    approved_bad: int
    refused_good: int
    per_row: Estimate


class PeriodQuality(msgspec.Struct):
    """One day or week, by the time of the decision."""

    start: str
    scored: int
    quality: Quality


class Outcomes(msgspec.Struct):
    """The whole document."""

    schema_version: int
    time: str
    model: str
    version: str
    scored: int
    labelled: int
    unmatched: int
    labelled_by_decision: dict[str, tuple[int, int]]
    quality: Quality
    bands: list[ScoreBand]
    cost: Cost | None
    by: str
    periods: list[PeriodQuality]
    notes: list[str]
