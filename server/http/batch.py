"""An array of applicants, read and scored as one block.

Those that need a word of their own (a fault, a warning, reasons) are scored, recorded and answered
one by one, as they would be in a request of their own; all others in one go.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from ..record.line import APPLICANT_BYTES
from ..scoring.answer import all_builders, builders
from ..scoring.block import Scored
from ..scoring.codec import MESSAGE_PACK, Codec, TooManyError
from ..scoring.faults import MAX_FAULTS, Fault
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from ..scoring.reasons import APPROVED, is_due
from ..scoring.refusals import RefusedError
from ..scoring.unreadable import unreadable
from ..settings import Reasons as Wanted
from .ledger import Book
from .problem import FOR_TABLES, Problem, problem_of
from .shadow import Shadow

Why = tuple[Wanted, str]  # which reasons, in which language
Said = Outcome | Problem


class Batch(msgspec.Struct, frozen=True):
    """A request with an array; `out` is the codec of the answer."""

    request_id: str
    body: bytes
    codec: Codec
    out: Codec
    partial: bool
    why: Why


class BatchProblem(Problem):
    """A batch that is refused as a whole; `index` and `first` are of its first refused applicant.

    `index` is None where that has no faults.
    """

    def __init__(
        self, status: int, refused: str, first: Problem, errors: tuple[Fault, ...], more: int
    ) -> None:
        self.refused, self.first = refused, first.detail
        self.index = first.errors[0].index if first.errors else None
        which = "" if self.index is None else f", applicant {self.index}"
        super().__init__(status, f"{refused}; first{which}: {first.detail}", errors, more=more)


class Batches:
    """Answers arrays for one model; belongs to one thread, like the model."""

    def __init__(
        self, model: Model, book: Book, shadow: Shadow | None, most: int, scored_in: Any
    ) -> None:
        self._model, self._book, self._shadow = model, book, shadow
        self._build, self._build_all = builders(model), all_builders(model)
        self._most, self._scored_in = most, scored_in
        self._width = len(model.manifest.features)

    def answer(self, batch: Batch) -> bytes:
        """Return the answer, encoded, with its records entered; raises Problem."""
        began = perf_counter()
        read = self._model.read(batch.body, batch.codec, self._most)
        if read is not None and read.sent.longest() > APPLICANT_BYTES:
            read = None
        sent = read.sent if read else self._split(batch.body, batch.codec)
        alone = self._try_all(sent, read.odd if read else range(len(sent)), batch)
        refused = [said for said in alone.values() if isinstance(said, Problem)]
        if refused and not batch.partial:
            raise together(refused, len(sent))
        scored = self._model.score_read(read) if read else None
        if scored is not None:
            alone |= self._worded(scored, alone, batch)
        self._scored_in(took := perf_counter() - began)
        answers = self._enter(batch, sent, scored, alone, took)
        return batch.out.joined([*answers], len(sent))

    def _split(self, body: bytes, codec: Codec) -> list[bytes]:
        try:
            bodies = codec.split(body, self._most, self._width)
        except TooManyError as error:
            wanted = f"batch: wanted at most {self._most}, got {error}"
            raise Problem(413, f"{wanted}{FOR_TABLES}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, unreadable(codec.name, body, error)) from error
        if not bodies:
            raise Problem(422, "batch: wanted at least one applicant, got none")
        return [bytes(each) for each in bodies]

    def _try_all(self, sent: Sequence[bytes], odd: Sequence[int], batch: Batch) -> dict[int, Said]:
        left, outcomes = MAX_FAULTS, {}
        for place in odd:
            outcomes[place] = said = self._try(sent[place], batch, place, left)
            if isinstance(said, Problem):
                left -= len(said.errors)
        return outcomes

    def _try(self, body: bytes, batch: Batch, place: int, most: int) -> Said:
        if len(body) > APPLICANT_BYTES:
            return too_long(body)
        try:
            said = self._model.score(body, batch.codec, place, most)
            return explained(self._model, said, body, batch.codec, batch.why)
        except RefusedError as refused:
            return problem_of(refused)

    def _worded(
        self, scored: Scored, alone: Mapping[int, Said], batch: Batch
    ) -> dict[int, Outcome]:
        """Return those scored as a block whose answers hold warnings, reasons or contributions."""
        wanted, places = batch.why[0], {*scored.warnings}
        if self._model.reasons is not None and wanted != "none":
            is_due = np.array([wanted == "all" or each != APPROVED for each in scored.decisions])
            places.update(np.flatnonzero(is_due[scored.decided]).tolist())
        told = {place: scored.outcome(place) for place in places - alone.keys()}
        return told | self._explained(scored, told, batch)

    def _explained(
        self, scored: Scored, told: Mapping[int, Outcome], batch: Batch
    ) -> dict[int, Outcome]:
        (wanted, language), model = batch.why, self._model
        places = [place for place, said in told.items() if is_due(said, wanted)]
        if not places or model.reasons is None or model.contributions is None:
            return {}
        each = zip(places, model.contributions.of(scored.rows[places])[:, 0], strict=True)
        return {
            place: model.reasons.told(
                told[place], found, wanted,
                partial(model.sent, scored.sent[place], batch.codec), language,
            )
            for place, found in each
        }  # fmt: skip

    def _enter(
        self, batch: Batch, sent: Sequence[bytes], scored: Scored | None,
        alone: Mapping[int, Said], took: float,
    ) -> Iterator[bytes]:  # fmt: skip
        """Record and count all in order; yield their answers, one or several at once."""
        begin = 0
        for place in (*sorted(alone), len(sent)):
            if scored is not None and begin < place:
                yield from self._enter_all(batch, scored.part(begin, place), took)
            if place in alone:
                yield self._enter_one(batch, place, alone[place], sent[place], took)
            begin = place + 1

    def _enter_all(self, batch: Batch, scored: Scored, took: float) -> Iterator[bytes]:
        places = range(scored.first, scored.first + len(scored))
        answers = self._build_all[batch.out](batch.request_id, scored)
        is_packed = batch.codec is MESSAGE_PACK
        if answers is None or not self._book.scored_all(batch.request_id, scored, took, is_packed):
            for i, place in enumerate(places):
                yield self._enter_one(batch, place, scored.outcome(place), scored.sent[i], took)
            return
        if self._shadow is not None:
            for i, place in enumerate(places):
                said = scored.outcome(place)
                self._shadow.add(batch.request_id, place, scored.sent[i], batch.codec, said)
        yield answers

    def _enter_one(self, batch: Batch, place: int, said: Said, body: bytes, took: float) -> bytes:
        request_id, codec = batch.request_id, batch.codec
        if isinstance(said, Problem):
            self._book.refused(request_id, said.status, body, said.errors, said.more, place)
            return batch.out.encode(said.document(request_id))
        self._book.scored(request_id, place, said, took, codec.as_json(body))
        if self._shadow is not None:
            self._shadow.add(request_id, place, body, codec, said)
        return batch.out.encode(self._build[batch.out](request_id, said))


def explained(model: Model, said: Outcome, body: bytes, codec: Codec, why: Why) -> Outcome:
    """Return the outcome with its reasons, if the model has any and they are asked for."""
    if model.reasons is None:
        return said
    return model.reasons.explained(said, why[0], lambda: model.sent(body, codec), why[1])


def too_long(body: bytes) -> Problem:
    """Return the refusal of an applicant too long for a line of the record."""
    return Problem(413, f"applicant: wanted at most {APPLICANT_BYTES} bytes, got {len(body)}")


def together(problems: list[Problem], count: int) -> BatchProblem:
    """Return one problem for a batch that is refused as a whole."""
    errors = tuple(fault for problem in problems for fault in problem.errors)
    refused = f"{len(problems)} of {count} applicants refused, none scored"
    more = sum(problem.more for problem in problems)
    status = max(problem.status for problem in problems)
    return BatchProblem(status, refused, problems[0], errors, more)
