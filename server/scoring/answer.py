"""The answer to a scored applicant, in the form of the model's task."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from .codec import BY_MEDIA_TYPE, Codec
from .model import Model
from .outcome import Outcome, Reason


class ModelName(msgspec.Struct, frozen=True):
    """Which model answered."""

    name: str
    version: str
    sha256: str


class Probability(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The answer of a binary model."""

    request_id: str
    probability: float
    decision: str | None
    threshold: float | None
    policy: str | None
    model: msgspec.Raw
    warnings: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] | UnsetType = UNSET
    contributions: dict[str, float] | UnsetType = UNSET
    expectation: float | UnsetType = UNSET


class Probabilities(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The answer of a multiclass model: class -> probability."""

    request_id: str
    probabilities: dict[str, float]
    model: msgspec.Raw
    warnings: tuple[str, ...] = ()


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The answer of any other model."""

    request_id: str
    value: float | list[float]
    model: msgspec.Raw
    warnings: tuple[str, ...] = ()


Build = Callable[[str, Outcome], Any]


def builders(model: Model) -> dict[Codec, Build]:
    """Return, for each codec, (request id, outcome) -> answer; constant parts are encoded once."""
    return {codec: builder(model, codec) for codec in BY_MEDIA_TYPE.values()}


def builder(model: Model, codec: Codec) -> Build:
    """Return (request id, outcome) -> answer for one codec."""
    manifest = model.manifest
    name = ModelName(manifest.name, manifest.version, model.bundle.model_sha256)
    tag = msgspec.Raw(codec.encode(name))
    if manifest.task == "binary":
        threshold = manifest.policy.refuse_at if manifest.policy else None
        policy = manifest.policy.version if manifest.policy else None

        def build(request_id: str, outcome: Outcome) -> Probability:
            told = outcome.explanation
            why = (told.reasons, told.contributions, told.expectation) if told else ()
            return Probability(
                request_id, outcome.prediction, outcome.decision, threshold, policy, tag,
                outcome.flags, *why,
            )  # fmt: skip

        return build
    if manifest.task == "multiclass":
        classes = tuple(map(str, manifest.classes or ()))
        return lambda request_id, outcome: Probabilities(
            request_id, dict(zip(classes, outcome.prediction, strict=True)), tag, outcome.flags
        )
    return lambda request_id, outcome: Value(request_id, outcome.prediction, tag, outcome.flags)
