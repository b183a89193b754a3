"""A model ready to score: bundle, engine, transform, policy and the types of its applicants."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..bundle import decision, predictions, reading, transform
from ..bundle import manifest as bundles
from ..bundle.applicant import Floats, RowWriter, UnfitError, may_be_rounded, struct_type
from ..bundle.reasons import ReasonCodes
from ..bundle.seen_range import Range, may_hold_rounded
from ..bundle.tag import ModelTag
from ..engine import choice, contributions, golden, plain
from ..engine.contributions import Contributions
from ..engine.engine import Block, Engine, warm_up
from ..engine.session import Session
from ..settings import Wanted
from .block import Read, Scored, Sent
from .care import Care
from .codec import BY_MEDIA_TYPE, JSON, MESSAGE_PACK, Codec
from .faults import MAX_FAULTS
from .outcome import Outcome
from .reasons import Reasons
from .refusals import Refusals


class Options(msgspec.Struct, frozen=True):
    """The settings that concern a model."""

    unseen_is_missing: bool = False
    engine: Wanted = "auto"


DEFAULT, AT_ONCE = Options(), Care()
MOST_ODD = 0.5  # above this share of a batch, rows for the others are not worth their while


class Model:
    """Scores applicants one at a time; belongs to one thread, as its engine does."""

    def __init__(
        self,
        bundle: bundles.Bundle,
        engine: Engine,
        unseen_is_missing: bool = False,
        contributions: Contributions | None = None,
        codes: ReasonCodes | None = None,
    ) -> None:
        manifest = bundle.manifest
        self.bundle, self.manifest, self.engine = bundle, manifest, engine
        self.contributions = contributions
        self.reasons = None
        if contributions is not None and codes is not None:
            self.reasons = Reasons(codes, manifest, contributions)
        self.predict_all = transform.vector(manifest.transform)
        self.predict = transform.scalar(manifest.transform) if manifest.outputs == 1 else None
        self.decide = decision.decider(manifest.policy) if manifest.policy else None
        policy = manifest.policy.version if manifest.policy else None
        self.tag = ModelTag(manifest.name, manifest.version, bundle.model_sha256, policy)
        self._range = Range(manifest.features)
        self.unseen_is_missing = unseen_is_missing
        self._writer = RowWriter(manifest, engine.row, unseen_is_missing)
        self._refusals = Refusals(manifest.features, unseen_is_missing)
        applicant = struct_type(manifest.features)
        self._decoders = {codec: codec.decoder(applicant) for codec in BY_MEDIA_TYPE.values()}
        self._width = len(manifest.features)
        self._always_closer = any(may_be_rounded(feature) for feature in manifest.features)
        at_once = {JSON: engine.score_json, MESSAGE_PACK: engine.score_msgpack}
        self._at_once = {} if self._always_closer else at_once
        self.decisions = predictions.DECISIONS if manifest.policy else (None,)
        self._blocks: dict[Codec, Callable[[bytes, int], Block | None]] = {}
        self._bodies: dict[Codec, Callable[[list[bytes]], Block | None]] = {}
        if self.predict is not None and not self._always_closer:
            self._blocks = {JSON: engine.block_json, MESSAGE_PACK: engine.block_msgpack}
            self._bodies = {JSON: engine.bodies_json, MESSAGE_PACK: engine.bodies_msgpack}
            self._predict_block = predictions.predictor(manifest.transform)

    def score(
        self, body: bytes, codec: Codec, index: int | None = None, most: int = MAX_FAULTS
    ) -> Outcome:
        """Score one applicant from its body.

        Raises refusals.UnreadableError if the body is not in `codec`'s format, and RefusedError if
        the model must not see it; both list `most` faults and count all.
        """
        score_at_once = self._at_once.get(codec)
        said = score_at_once(body) if score_at_once else None
        if said is not None:
            return self._outcome(said[1], (), said[0])
        try:
            applicant = self._decoders[codec](body)
            if not codec.has_members(body, self._width):
                self._refusals.look_closer(body, codec, index, most)
            values = msgspec.structs.astuple(applicant)
            said = None if self._always_closer else self.engine.score(values)
            if said is not None:
                return self._outcome(said[1], (), said[0])
            if codec.may_hold_nan and any(value != value for value in values):
                self._refusals.look_closer(body, codec, index, most)
            warnings = self._writer.write(values)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, UnfitError) as error:
            raise self._refusals.of(body, codec, index, most, error) from error
        row = self.engine.row.tobytes()
        if warnings or self._always_closer:
            self._refusals.look_closer(body, codec, index, most)
        if not self._range.contains(self.engine.row, row):
            if may_hold_rounded(self.engine.row):
                self._refusals.look_closer(body, codec, index, most)
            warnings += self._range.warnings(self.engine.row)
        self.engine.score_row()
        return self._outcome(self.engine.raw.tolist(), warnings, row)

    def read(self, body: bytes, codec: Codec, most: int) -> Read | None:
        """Decode an array of at most `most` applicants in one go.

        None for a body that the codec has to split: it may be no such array.
        """
        read_block = self._blocks.get(codec)
        found = read_block(body, most) if read_block else None
        read = None if found is None else self._read(body, found)
        if read is None or len(read.odd) > MOST_ODD * len(read.sent):
            return None
        return read if all(codec.is_element(read.sent[i]) for i in read.odd) else None

    def read_each(self, bodies: list[bytes], codec: Codec) -> Read | None:
        """Decode bodies of one applicant each in one go; None for a model that this is not done
        for.
        """
        read_bodies = self._bodies.get(codec)
        found = read_bodies(bodies) if read_bodies else None
        return None if found is None else self._read(b"".join(bodies), found)

    def _read(self, body: bytes, found: Block) -> Read:
        rows, spans, beyond, odd = found
        sent = Sent(body, np.frombuffer(spans, np.int64).reshape(-1, 2))
        block = np.frombuffer(rows).reshape(-1, self._width)
        warnings = {place: self._range.warnings(block[place]) for place in beyond}
        return Read(sent, block, warnings, odd)

    def score_read(self, read: Read) -> Scored:
        """Score all rows that were read, those that are zeros too."""
        rows = read.rows
        raw = self.engine.score_block(rows).ravel()
        predicted = self._predict_block(raw)
        decided = predictions.decided(self.manifest.policy, predicted)
        return Scored(
            0, read.sent, rows, raw, predicted, decided, self.decisions, read.warnings
        )  # fmt: skip

    def score_block(self, rows: Floats, beyond: bytes) -> Scored | None:
        """Score rows as score_rows does, in one go; None for a model that this is not done for."""
        if not self._blocks:
            return None
        due = np.flatnonzero(np.frombuffer(beyond, np.uint8)).tolist()
        warnings = {place: self._range.warnings(rows[place]) for place in due}
        nowhere = Sent(b"", np.zeros((len(rows), 2), np.int64))
        return self.score_read(Read(nowhere, rows, warnings, ()))

    def sent(self, body: bytes, codec: Codec) -> Sequence[Any]:
        """Return the values of a body that scored, in the manifest's order, None where missing."""
        return msgspec.structs.astuple(self._decoders[codec](body))

    def score_values(self, values: Sequence[Any]) -> Outcome:
        """Score valid values in the manifest's order; raises applicant.UnfitError."""
        warnings = self._writer.write(values)
        row = self.engine.row.tobytes()
        self.engine.score_row()
        return self._outcome(self.engine.raw.tolist(), warnings, row)

    def score_row(self, is_beyond: bool) -> Outcome:
        """Score the engine's row; `is_beyond`: it may be outside the range seen in training."""
        row = self.engine.row
        self.engine.score_row()
        warnings = self._range.warnings(row) if is_beyond else ()
        return self._outcome(self.engine.raw.tolist(), warnings, row.tobytes())

    def score_rows(self, rows: Floats, beyond: bytes | None = None) -> list[Outcome]:
        """Score float64 [N, F], each row as the model sees it.

        `beyond` is not 0 for each row with a value that may be outside the range seen in training,
        and empty if there is none; without it, all rows may have one.
        """
        raw = self.engine.score_block(rows).tolist()
        due = beyond or itertools.repeat(beyond is None)
        return [
            self._outcome(scores, self._range.warnings(row) if is_due else (), row.tobytes())
            for scores, row, is_due in zip(raw, rows, due, strict=False)
        ]

    def _outcome(self, raw: list[float], warnings: tuple[str, ...], row: bytes) -> Outcome:
        if self.predict is None:
            return Outcome(raw, self.predict_all(raw), None, warnings, row)
        prediction = self.predict(raw[0])
        decided = self.decide(prediction) if self.decide else None
        return Outcome(raw[0], prediction, decided, warnings, row)


def load(path: Path, options: Options = DEFAULT, care: Care = AT_ONCE) -> Model:
    """Read, prove and warm up the bundle in `path`; raises bundle.BundleError.

    A graph that is not just trees is first loaded by `care.try_first`, if there is one.
    """
    opened = reading.read(path, care.proof)
    walker = choice.walker_of(opened.bundle, opened.model, opened.covers)
    is_plain = opened.steps is None and plain.is_plain(walker, opened.model)
    if care.try_first is not None and not is_plain:
        care.try_first(path, lambda: made(opened, walker, options))
    return made(opened, walker, options)


def made(opened: reading.Opened, walker: choice.Walker, options: Options) -> Model:
    """Return the model after its golden rows were scored; raises bundle.BundleError."""
    bundle, file = opened.bundle, opened.bundle.path / "model.onnx"
    manifest = bundle.manifest
    rows = golden.read(opened.golden, manifest, bundle.path / golden.NAME)
    session = Session(file, len(manifest.features), manifest.outputs, opened.model)
    session.try_out(rows.matrix())
    golden.check(bundle.path, rows, session, transform.vector(manifest.transform))
    engine = choice.choose(options.engine, bundle, walker, session, rows.matrix())
    warm_up(engine, rows.matrix())
    explained = contributions.proved(opened, walker, rows)
    return Model(bundle, engine, options.unseen_is_missing, explained, opened.codes)
