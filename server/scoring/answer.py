"""The answer to a scored applicant, in the form of the model's task."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from ..bundle.applicant import Floats
from ..bundle.predictions import Places
from ..engine.native.answers import write_answers
from .block import Scored
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
BuildAll = Callable[[str, Scored], bytes | None]
HALF = 0.5
PROBES = np.array([HALF, 0.1, 1e-9, 1 / 3, 1.0, 0.0, 123456.789])


def builders(model: Model) -> dict[Codec, Build]:
    """Return, for each codec, (request id, outcome) -> answer; constant parts are encoded once."""
    return {codec: builder(model, codec) for codec in BY_MEDIA_TYPE.values()}


def all_builders(model: Model) -> dict[Codec, BuildAll]:
    """Return, for each codec, (request id, applicants scored as a block) -> their answers, encoded.

    They are joined by the codec's mark. None where they have to be built and encoded one by one.
    """
    return {codec: all_builder(model, codec) for codec in BY_MEDIA_TYPE.values()}


def all_builder(model: Model, codec: Codec) -> BuildAll:
    """Return it for one codec, if it writes the bytes of the codec's own encoder."""
    if model.predict is None:
        return lambda request_id, scored: None
    build = builder(model, codec)

    def encoded(request_id: str, x: float, decision: str | None) -> bytes:
        return codec.encode(build(request_id, Outcome(x, x, decision, (), b"")))

    samples = [encoded("", HALF, decision) for decision in model.decisions]
    before, _, rest = samples[0].partition(codec.encode(""))
    between, _, _ = rest.partition(codec.encode(HALF))
    begin = len(b"".join((before, codec.encode(""), between, codec.encode(HALF))))
    tails, is_json = tuple(each[begin:] for each in samples), codec.name == "JSON"

    def write(request_id: str, predictions: Floats, decided: Places) -> bytes | None:
        head = b"".join((before, codec.encode(request_id), between))
        return write_answers(head, codec.mark, tails, is_json, predictions, decided)

    for place, decision in enumerate(model.decisions):
        found = write("r", PROBES, np.full(len(PROBES), place, np.int8))
        if found != codec.mark.join(encoded("r", x, decision) for x in PROBES.tolist()):
            return lambda request_id, scored: None
    return lambda request_id, scored: write(request_id, scored.predictions, scored.decided)


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
