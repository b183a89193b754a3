"""drift.json: the verdict and everything it is based on (docs/drift.md).

Keys are only ever added.
"""

import msgspec

from ..bundle.manifest import Rule

SCHEMA_VERSION = 1
STABLE, DRIFT, UNKNOWN = "stable", "drift", "unknown"
EXIT_CODES = {STABLE: 0, DRIFT: 1, UNKNOWN: 2}
ERROR_EXIT_CODE = 3
BANDS = ("none", "small", "moderate", "large")


class Settings(msgspec.Struct):
    """What decides a verdict. `alpha`: the chance of any false alarm in a run without drift."""

    alpha: float = 0.01
    min_rows: int = 200
    min_psi: float = 0.005
    min_rate_change: float = 0.01
    moderate_psi: float = 0.1
    large_psi: float = 0.25
    max_refused: float = 0.01


class Model(msgspec.Struct):
    """The model whose reference was used."""

    name: str
    version: str
    sha256: str


class Rows(msgspec.Struct):
    """The number of rows on each side, and of records passed over, by reason."""

    reference: int
    current: int
    passed_over: dict[str, int] = {}


class Share(msgspec.Struct):
    """A share of the rows, 0 to 1, in the reference and now."""

    reference: float
    current: float
    p_value: float
    drifted: bool


class Outside(msgspec.Struct):
    """Numbers outside the reference's range, the most frequent ones first."""

    rows: int
    share: float
    psi: float
    p_value: float
    drifted: bool
    values: list[tuple[float, int]]


class Bins(msgspec.Struct):
    """Both histograms. A number has K - 1 edges for K bins; a category K labels, then unseen."""

    reference: list[int]
    current: list[int]
    edges: list[float] = []
    labels: list[str] = []


class Compared(msgspec.Struct):
    """Two histograms compared.

    Drifted if `psi` is at least `min_psi`, and chance explains neither `psi` (it is above
    `critical`) nor, for ordered bins, the shift up or down (`shift_p_value`). `superiority`: the
    chance that a current value is above a reference value.
    """

    psi: float
    critical: float
    p_value: float
    superiority: float | None
    shift_p_value: float | None
    drifted: bool
    band: str
    bins: Bins


class ColumnDrift(msgspec.Struct):
    """The result for one feature; in `bins`, missing comes last."""

    name: str
    kind: str
    drifted: bool
    band: str
    concern: float
    reasons: list[str]
    importance: float
    used: bool
    absent: bool
    psi: float
    critical: float
    p_value: float
    superiority: float | None
    shift_p_value: float | None
    missing: Share
    outside: Outside | None
    unseen: Share | None
    bins: Bins


class Decision(msgspec.Struct):
    """The share of one decision, with a 95 % interval of its change."""

    decision: str
    share: Share
    change_low: float
    change_high: float


class RefusedFault(msgspec.Struct):
    """One fault of one feature, and the number of refused requests that had it."""

    feature: str
    wanted: str
    requests: int


class Refused(msgspec.Struct):
    """Requests without a score (422) among all requests; the most frequent faults first.

    A refused batch is one request; a scored one counts as many as it held applicants. `low` to
    `high` is the 95 % interval of the share. Drifted if the share is above `max_refused` by more
    than chance.
    """

    requests: int
    asked: int
    share: float
    low: float
    high: float
    drifted: bool
    band: str
    features: dict[str, int]
    faults: list[RefusedFault]
    others: dict[str, int] = {}


class Period(msgspec.Struct):
    """One day or week of the window."""

    start: str
    rows: int
    score_psi: float | None
    score_critical: float | None
    decisions: dict[str, float]


class Trend(msgspec.Struct):
    """The window by period; lists per column are as long as `periods`, null where rows are
    too few.
    """

    by: str
    periods: list[Period]
    psi: dict[str, list[float | None]]
    missing: dict[str, list[float | None]]


class Window(msgspec.Struct):
    """The window given by the user, and the first and last day found; "" if rows carry no time."""

    since: str | None
    until: str | None
    first: str
    last: str


class Drift(msgspec.Struct):
    """The whole document. `columns` are sorted by concern."""

    schema_version: int
    status: str
    level: str
    reasons: list[str]
    time: str
    baseline: str
    model: Model
    window: Window
    rows: Rows
    settings: Settings
    score: Compared | None
    decisions: list[Decision]
    columns: list[ColumnDrift]
    unknown_columns: list[str]
    trend: Trend | None
    notes: list[str]
    refused: Refused | None = None
    policy: Rule | None = None

    @property
    def enough(self) -> bool:
        """Whether both sides hold enough rows for a verdict."""
        return min(self.rows.reference, self.rows.current) >= self.settings.min_rows
