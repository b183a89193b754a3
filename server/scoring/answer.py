"""The answer to a scored applicant, in the form of the model's task."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from ..engine.native.answers import write_answers
from .block import Scored, Sent, Words
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
HALF = 0.5
PROBES = np.array([HALF, 0.1, 1e-9, 1 / 3, 1.0, 0.0, 123456.789])
NEW_ID = "0123456789abcdef" * 2  # as long as every new id


class AnswerWriter:
    """Writes the answers of one model in one format.

    Of applicants scored as a block it writes the codec's own bytes in one go, or returns None where
    they have to be written one by one.
    """

    def __init__(self, model: Model, codec: Codec) -> None:
        self._codec, self._build = codec, builder(model, codec)
        self._is_json, self._is_proved = codec.name == "JSON", model.predict is not None
        self._begin = self._to_number = b""
        self._around_id = b"", b""
        if self._is_proved:
            self._cut(model.decisions)
            self._is_proved = self._agrees(probes(model.decisions))

    def write(self, request_id: str, said: Outcome) -> bytes:
        """Return one answer."""
        return self._codec.encode(self._build(request_id, said))

    def write_all(self, request_id: str, scored: Scored) -> bytes | None:
        """Return the answers joined by the codec's mark."""
        begin = self._begin + self._codec.encode(request_id)
        found = self._write(None, (begin, self._to_number), [""] * len(scored), scored)
        return None if found is None else self._codec.mark.join(found)

    def write_each(
        self, fields: tuple[bytes, bytes], ids: list[str], scored: Scored
    ) -> list[bytes] | None:
        """Return the answers to requests with new ids, each with the end of its HTTP head.

        `fields` are the header fields up to the request id, and from there up to the length.
        """
        return self._write(fields, self._around_id, ids, scored)

    def _write(
        self, fields: tuple[bytes, bytes] | None, body: tuple[bytes, bytes], ids: list[str],
        scored: Scored,
    ) -> list[bytes] | None:  # fmt: skip
        if not self._is_proved:
            return None
        numbers, decided = scored.predictions, scored.decided
        return write_answers(fields, body, ids, self._tails, self._is_json, numbers, decided)

    def _cut(self, decisions: Words) -> None:
        """Cut samples where request id and number stand."""
        encode = self._codec.encode
        outcomes = [Outcome(HALF, HALF, decision, (), b"") for decision in decisions]
        samples = [self.write(NEW_ID, outcome) for outcome in outcomes]
        self._begin, own, rest = samples[0].partition(encode(NEW_ID))
        self._to_number, _, _ = rest.partition(encode(HALF))
        before, _, behind = own.partition(NEW_ID.encode())
        self._around_id = self._begin + before, behind + self._to_number
        begin = len(self._begin + own + self._to_number + encode(HALF))
        self._tails = tuple(each[begin:] for each in samples)

    def _agrees(self, scored: Scored) -> bool:
        """Whether both ways write the bytes of `write`."""
        wanted = [self.write(NEW_ID, scored.outcome(i)) for i in range(len(scored))]
        each = self.write_each((b"", b" "), [NEW_ID] * len(scored), scored)
        heads = [f"{NEW_ID} {len(body)}\r\n\r\n".encode() for body in wanted]
        return (
            self.write_all(NEW_ID, scored) == self._codec.mark.join(wanted)
            and each == [head + body for head, body in zip(heads, wanted, strict=True)]
        )  # fmt: skip


def probes(decisions: Words) -> Scored:
    """Return outcomes of every decision with numbers of every kind."""
    numbers = np.tile(PROBES, len(decisions))
    decided = np.repeat(np.arange(len(decisions), dtype=np.int8), len(PROBES))
    nowhere = Sent(b"", np.zeros((len(numbers), 2), np.int64))
    rows = numbers[:, None]
    return Scored(0, nowhere, rows, numbers, numbers, decided, decisions, {})


def writers(model: Model) -> dict[Codec, AnswerWriter]:
    """Return what writes the answers of a model, for each codec."""
    return {codec: AnswerWriter(model, codec) for codec in BY_MEDIA_TYPE.values()}


def builder(model: Model, codec: Codec) -> Build:
    """Return (request id, outcome) -> answer for one codec; constant parts are encoded once."""
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
