"""`GET /decisions/{request_id}`: explain a recorded decision again, with the model that made it."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from ..bundle.decision import decider, rules_of
from ..bundle.manifest import MANIFEST, BundleError, Manifest
from ..bundle.reading import kept_codes, read_manifest
from ..bundle.tag import ModelTag
from ..http.fields import language_of
from ..http.problem import Problem
from ..record import privacy
from ..record.finding import SlowError, find
from ..record.line import Line
from ..record.line_writer import LineWriter
from ..scoring.catalog import Listing, bundles
from ..scoring.codec import JSON
from ..scoring.model import Model, Options, load
from ..scoring.outcome import Outcome, Reason
from ..scoring.reasons import Reasons, contributions_alone, likeliest
from ..settings import Settings

SECONDS = 10.0  # for the search, and for waiting for an earlier one
COMPARED = ("raw", "prediction", "decision", "reasons", "reasons_version", "contributions")


class Answered(msgspec.Struct, frozen=True):
    """What the record holds of an answer; codes with their totals, contributions as numbers."""

    raw: float | list[float]
    prediction: float | list[float]
    decision: str | None
    reasons: tuple[tuple[str, float], ...] | UnsetType = UNSET
    reasons_version: str | UnsetType = UNSET
    contributions: list[float] | UnsetType = UNSET


class Recomputed(msgspec.Struct, frozen=True):
    """The same decision, computed now: with texts, and with all contributions by name."""

    raw: float | list[float]
    prediction: float | list[float]
    decision: str | None
    reasons: tuple[Reason, ...] | UnsetType = UNSET
    reasons_version: str | UnsetType = UNSET
    contributions: dict[str, float] | UnsetType = UNSET
    expectation: float | UnsetType = UNSET


class Decision(msgspec.Struct, frozen=True):
    """One applicant's; `same`: every recorded bit was computed again, otherwise `different`."""

    index: int
    time: str
    model: ModelTag
    answered: Answered
    recomputed: Recomputed
    same: bool
    different: tuple[str, ...]


class Document(msgspec.Struct, frozen=True):
    """The answer: the decisions of one request."""

    request_id: str
    decisions: list[Decision]


class Decisions:
    """Recomputes decisions, one request at a time; no worker takes part in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = Lock()
        self._model: Model | None = None

    def answer(
        self, request_id: str, day: str, accepted: bytes, served: Sequence[Listing]
    ) -> Document:
        """Return the document, with texts in an `accepted` language; see finding.find for `day`.

        Raises Problem 404, 409, 503 and 504.
        """
        deadline = monotonic() + SECONDS
        if not self._turn.acquire(timeout=SECONDS):
            raise Problem(503, "another decision is computed", headers=[(b"retry-after", b"1")])
        try:
            found = self._find(request_id, day, deadline)
            return Document(request_id, [self._again(each, accepted, served) for each in found])
        finally:
            self._turn.release()

    def _find(self, request_id: str, day: str, deadline: float) -> list[Line]:
        try:
            found = find(self._settings.log_dir, request_id, day, deadline)
        except SlowError as error:
            said = f"{error} in {SECONDS:.0f} s: say the day, ?date=YYYY-MM-DD"
            raise Problem(504, said) from error
        except OSError as error:
            raise Problem(503, f"the log cannot be read: {error.strerror}") from error
        if not found:
            where = f"{self._settings.log_dir}, compacted files left out"
            raise Problem(404, f"no decision of request {request_id} in {where}")
        return found

    def _again(self, record: Line, accepted: bytes, served: Sequence[Listing]) -> Decision:
        tag = ModelTag(record.model, record.version, record.sha256, record.policy)
        model = self._model_of(tag, served)
        said = explained(model, record, accepted)
        writer = LineWriter(tag, record.kind, privacy.everything)
        line = writer.write(record.request_id, record.index, said, 0.0, None)
        different = differences(record, msgspec.json.decode(line, type=Line))
        why = said.explanation
        told = (why.reasons, why.version, why.contributions, why.expectation) if why else ()
        return Decision(
            record.index, record.time, tag, Answered(*(getattr(record, n) for n in COMPARED)),
            Recomputed(said.raw, said.prediction, said.decision, *told),
            not different, different,
        )  # fmt: skip

    def _model_of(self, tag: ModelTag, served: Sequence[Listing]) -> Model:
        """Return the model that made a record; raises Problem 409 if it is not served."""
        name = f"{tag.name}/{tag.version}"
        needed = f"{name} with model.onnx {tag.sha256} and policy {tag.policy}"
        if (*name_of(tag), tag.sha256) not in {(x.name, x.version, x.sha256) for x in served}:
            raise Problem(409, f"made by {needed}, which is not served: load it first")
        path, manifest = self._folder(tag)
        holds, rules = manifest.files["model.onnx"], rules_of(manifest)
        if holds != tag.sha256 or tag.policy not in rules:
            policies = ", ".join(filter(None, rules)) or "no policy"
            raise Problem(409, f"made by {needed}; {path} now holds {holds} and {policies}")
        digest = hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest()
        if self._model is None or self._model.bundle.manifest_sha256 != digest:
            options = Options(self._settings.unseen == "missing", self._settings.engine)
            try:
                self._model = load(path, options)
            except BundleError as error:
                raise Problem(409, f"made by {needed}, which does not load: {error}") from error
        return self._model

    def _folder(self, tag: ModelTag) -> tuple[Path, Manifest]:
        for path in bundles(self._settings.model):
            with suppress(BundleError):
                manifest = read_manifest(path / MANIFEST)
                if (manifest.name, manifest.version) == name_of(tag):
                    return path, manifest
        gone = f"{tag.name}/{tag.version} is no longer in {self._settings.model}"
        raise Problem(409, f"{gone}: put the bundle back")


def name_of(tag: ModelTag) -> tuple[str, str]:
    """Return name and version."""
    return tag.name, tag.version


def explained(model: Model, record: Line, accepted: bytes) -> Outcome:
    """Score a recorded row again and explain it; raises Problem 409 without a fitting row."""
    width = len(model.manifest.features)
    if record.row is UNSET or len(record.row) != 8 * width:
        hidden = "the record holds no row (--log-features hashed or none): it cannot be recomputed"
        raise Problem(409, hidden)
    rows = np.frombuffer(record.row).reshape(1, width)
    said = decided(model, model.score_rows(rows.copy())[0], record)
    if model.contributions is None:
        return said
    found = model.contributions.of(rows)[0][likeliest(said)]
    reasons = reasons_of(model, record)
    if reasons is None or (record.reasons is UNSET and record.contributions is not UNSET):
        return contributions_alone(said, [each.name for each in model.manifest.features], found)
    language = language_of(accepted, reasons.languages) if accepted else reasons.languages[0]
    return reasons.told(said, found, "all", sent_of(model, reasons, record), language)


def decided(model: Model, said: Outcome, record: Line) -> Outcome:
    """Return the outcome as the record's policy decides it, which may have been replaced since."""
    rule = rules_of(model.manifest)[record.policy]
    decision = decider(rule)(cast(float, said.prediction)) if rule else None
    return msgspec.structs.replace(said, decision=decision, flags=record.flags)


def reasons_of(model: Model, record: Line) -> Reasons | None:
    """Return what finds the reasons by the version of codes that a record names.

    Where it names none, by the bundle's own if the policy is still the same. Raises Problem 409.
    """
    version, current = record.reasons_version, model.reasons
    if version is UNSET:
        return current if record.policy == model.tag.policy else None
    if current is not None and version == current.codes.version:
        return current
    try:
        codes = kept_codes(model.bundle, version)
    except BundleError as error:
        raise Problem(409, f"explained by reason codes {version}: {error}") from error
    if codes is None or model.contributions is None:
        where = model.bundle.path
        raise Problem(409, f"explained by reason codes {version}, which {where} does not hold")
    return Reasons(codes, model.manifest, model.contributions)


def sent_of(model: Model, reasons: Reasons, record: Line) -> Callable[[], Sequence[Any]]:
    """Return what the client sent; of a tensor, what the codes that were answered say of it."""
    if record.features is not UNSET:
        return partial(model.sent, bytes(record.features), JSON)
    codes = {code for code, _ in record.reasons or ()}
    return lambda: reasons.sent_by(codes)


def differences(record: Line, again: Line) -> tuple[str, ...]:
    """Return the keys whose recorded value was not computed again, bit for bit."""
    pairs = ((name, getattr(record, name), getattr(again, name)) for name in COMPARED)
    return tuple(
        name for name, told, now in pairs
        if told is not UNSET and (now is UNSET or bits(told) != bits(now))
    )  # fmt: skip


def bits(value: Any) -> bytes:
    """Return a value as the record spells it: two numbers of one spelling have the same bits."""
    return msgspec.json.encode(value)
