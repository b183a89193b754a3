"""What the server answers. Members that a later server adds are ignored."""

from typing import Literal

import msgspec

Decision = Literal["approve", "refer", "refuse"]


class ModelName(msgspec.Struct, frozen=True):
    """Which model answered."""

    name: str
    version: str
    sha256: str


class Reason(msgspec.Struct, frozen=True):
    """A principal reason of a decision; `contribution` is in log-odds, above the usual."""

    rank: int
    code: str
    text: str
    features: list[str]
    contribution: float


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a binary model.

    `decision`, `threshold` and `policy` are None if the model has no policy. `reasons` is None if
    none were asked for, and None or empty if the decision is to approve; `contributions` (feature
    to log-odds) and `expectation` come with reasons="all".
    """

    request_id: str
    probability: float
    decision: Decision | None
    threshold: float | None
    policy: str | None
    model: ModelName
    warnings: list[str] = []
    reasons: list[Reason] | None = None
    contributions: dict[str, float] | None = None
    expectation: float | None = None


class Probabilities(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a multiclass model: a probability for each class."""

    request_id: str
    probabilities: dict[str, float]
    model: ModelName
    warnings: list[str] = []


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of any other model."""

    request_id: str
    value: float | list[float]
    model: ModelName
    warnings: list[str] = []


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with one feature; `index` is the applicant's place in a batch."""

    feature: str
    wanted: str
    got: str
    index: int | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no score (RFC 9457); `more_errors` counts faults beyond those in `errors`."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    request_id: str = ""
    errors: list[Fault] = []
    more_errors: int = 0


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the server serves; `probability_of` is the class that is refused."""

    name: str
    version: str
    sha256: str
    task: str
    default: bool
    classes: list[str | int | float | bool] | None = None
    probability_of: str | int | float | bool | None = None
    threshold: float | None = None
    refer_from: float | None = None
    policy: str | None = None
