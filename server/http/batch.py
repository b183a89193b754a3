"""An array of applicants, read and scored as one block.

Those that need a word of their own (a fault, a warning, reasons) are scored, recorded and answered
one by one, as they would be in a request of their own; all others in one go.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from ..record.line import APPLICANT_BYTES
from ..scoring.answer import AnswerWriter
from ..scoring.block import Scored
from ..scoring.codec import MESSAGE_PACK, Codec, TooManyError
from ..scoring.faults import MAX_FAULTS, Fault
from ..scoring.model import Model
from ..scoring.outcome import Outcome
from ..scoring.reasons import APPROVED, is_due
from ..scoring.refusals import RefusedError
from ..scoring.unreadable import unreadable
from .ledger import Book
from .problem import FOR_TABLES, Problem, problem_of
from .shadow import Shadow
from .terms import Terms

Said = Outcome | Problem


class Batch(msgspec.Struct, frozen=True):
    """A request with an array."""

    request_id: str
    body: bytes
    terms: Terms


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
        self, model: Model, writers: Mapping[Codec, AnswerWriter], book: Book,
        shadow: Shadow | None, most: int, scored_in: Any,
    ) -> None:  # fmt: skip
        self._model, self._writers, self._book, self._shadow = model, writers, book, shadow
        self._most, self._scored_in = most, scored_in
        self._width = len(model.manifest.features)

    def answer(self, batch: Batch) -> bytes:
        """Return the answer, encoded, with its records entered; raises Problem."""
        began, terms = perf_counter(), batch.terms
        read = self._model.read(batch.body, terms.codec, self._most)
        if read is not None and read.sent.longest() > APPLICANT_BYTES:
            read = None
        sent = read.sent if read else self._split(batch.body, terms.codec)
        alone = self._try_all(sent, read.odd if read else range(len(sent)), terms)
        refused = [said for said in alone.values() if isinstance(said, Problem)]
        if refused and not terms.partial:
            raise together(refused, len(sent))
        scored = self._model.score_read(read) if read else None
        if scored is not None:
            alone |= worded(self._model, scored, alone, terms)
        self._scored_in(took := perf_counter() - began)
        answers = self._enter(batch, sent, scored, alone, took)
        return terms.out.joined([*answers], len(sent))

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

    def _try_all(self, sent: Sequence[bytes], odd: Sequence[int], terms: Terms) -> dict[int, Said]:
        left, outcomes = MAX_FAULTS, {}
        for place in odd:
            outcomes[place] = said = self._try(sent[place], terms, place, left)
            if isinstance(said, Problem):
                left -= len(said.errors)
        return outcomes

    def _try(self, body: bytes, terms: Terms, place: int, most: int) -> Said:
        if len(body) > APPLICANT_BYTES:
            return too_long(body)
        try:
            said = self._model.score(body, terms.codec, place, most)
            return explained(self._model, said, body, terms)
        except RefusedError as refused:
            return problem_of(refused)

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
        terms, places = batch.terms, range(scored.first, scored.first + len(scored))
        answers = self._writers[terms.out].write_all(batch.request_id, scored)
        is_packed = terms.codec is MESSAGE_PACK
        if answers is None or not self._book.scored_all(batch.request_id, scored, took, is_packed):
            for i, place in enumerate(places):
                yield self._enter_one(batch, place, scored.outcome(place), scored.sent[i], took)
            return
        if self._shadow is not None:
            for i, place in enumerate(places):
                said = scored.outcome(place)
                self._shadow.add(batch.request_id, place, scored.sent[i], terms.codec, said)
        yield answers

    def _enter_one(self, batch: Batch, place: int, said: Said, body: bytes, took: float) -> bytes:
        request_id, codec, out = batch.request_id, batch.terms.codec, batch.terms.out
        if isinstance(said, Problem):
            self._book.refused(request_id, said.status, body, said.errors, said.more, place)
            return out.encode(said.document(request_id))
        self._book.scored(request_id, place, said, took, body, codec is MESSAGE_PACK)
        if self._shadow is not None:
            self._shadow.add(request_id, place, body, codec, said)
        return self._writers[out].write(request_id, said)


def worded(
    model: Model, scored: Scored, alone: Container[int], terms: Terms
) -> dict[int, Outcome]:  # fmt: skip
    """Return those scored as a block, and not `alone`, whose answers hold warnings, reasons or
    contributions.
    """
    wanted, places = terms.why[0], {*scored.warnings}
    if model.reasons is not None and wanted != "none":
        is_due = np.array([wanted == "all" or each != APPROVED for each in scored.decisions])
        places.update(np.flatnonzero(is_due[scored.decided]).tolist())
    told = {place: scored.outcome(place) for place in places if place not in alone}
    return told | explained_all(model, scored, told, terms)


def explained_all(
    model: Model, scored: Scored, told: Mapping[int, Outcome], terms: Terms
) -> dict[int, Outcome]:
    """Return those of the outcomes that are due an explanation, with it."""
    wanted, language = terms.why
    places = [place for place, said in told.items() if is_due(said, wanted)]
    if not places or model.reasons is None or model.contributions is None:
        return {}
    each = zip(places, model.contributions.of(scored.rows[places])[:, 0], strict=True)
    return {
        place: model.reasons.told(
            told[place], found, wanted, partial(model.sent, scored.sent[place], terms.codec),
            language,
        )
        for place, found in each
    }  # fmt: skip


def explained(model: Model, said: Outcome, body: bytes, terms: Terms) -> Outcome:
    """Return the outcome with its reasons, if the model has any and they are asked for."""
    if model.reasons is None:
        return said
    wanted, language = terms.why
    return model.reasons.explained(said, wanted, lambda: model.sent(body, terms.codec), language)


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
