"""`POST /score`: the hot path, from a request to an answer with a record behind it.

This module does not know how requests arrive and answers leave: the ASGI endpoint and the fast path
share one handler, so they cannot differ in what they answer, record or count.
"""

from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter

from ..record.line import APPLICANT_BYTES
from ..scoring.answer import writers
from ..scoring.codec import MESSAGE_PACK
from ..scoring.model import Model
from ..scoring.refusals import RefusedError
from ..settings import Reasons as Wanted
from .batch import Batch, Batches, explained, too_long
from .compression import ENCODING
from .cost import Cost
from .fields import (
    DEADLINE,
    Fields,
    answer_codec,
    asked,
    check_deadline,
    content_codec,
    idempotency_key_of,
    language_of,
    trace_of,
)
from .group import Groups
from .ledger import Ledger
from .message import Answer, Request
from .problem import Headers, Problem, problem_of
from .scoring_handler import TRACE, ScoringHandler
from .services import Services
from .shadow import Shadow
from .terms import Terms, Why, head_of

NO_REASONS: Why = ("none", "")
IDEMPOTENCY_KEY = b"idempotency-key"
REQUEST_ID = b"x-request-id"
# Requests with one of these fields are answered alone.
OWN = frozenset({ENCODING, DEADLINE, TRACE, IDEMPOTENCY_KEY, REQUEST_ID})
REPLAYED = (b"idempotency-replayed", b"true")


class Score(ScoringHandler):
    """Answers requests for one model; belongs to one thread, like the model.

    No answer may be sent before the ledger has committed it: until then its record is not written.
    """

    def __init__(
        self, model: Model, services: Services, ledger: Ledger, shadow: Shadow | None = None
    ) -> None:
        super().__init__(services, ledger.book(model.tag))
        self._model = model
        self._ledger = ledger
        self._writers = made = writers(model)
        self._shadow = shadow
        self._reasons = services.settings.reasons
        self._cost = Cost(model.bundle, self._reasons)
        book, timed, most = self._book, self._scored_in, services.settings.max_batch
        self._batches = Batches(model, made, book, shadow, most, timed)
        self._groups = Groups(model, made, book, self._cost, shadow, timed)

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return the cost of a request to be answered; see cost.Cost."""
        wanted = self._reasons
        if query:
            with suppress(Problem):
                wanted = asked(query)[1] or wanted
        return self._cost.of(body, wanted)

    def terms(self, fields: Fields) -> Terms | None:
        """See endpoint.Handler."""
        if OWN.isdisjoint(fields):
            with suppress(Problem):
                return self._terms(fields, b"")
        return None

    def _answer_all(self, requests: Sequence[Request], terms: Terms, answers: list[Answer]) -> None:
        self._groups.answer(requests, terms, self.answer, answers)

    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        fields = request.fields
        terms = request.terms or self._terms(fields, request.query)
        if DEADLINE in fields:
            check_deadline(fields, perf_counter() - request.arrived)
        head = head_of(terms.out, request_id)
        if TRACE in fields and (trace := trace_of(fields)):
            head.append((TRACE, trace))
        if IDEMPOTENCY_KEY in fields and self._services.store is not None:
            return self._answer_once(caller, request_id, request, terms, head)
        return self._answer(request_id, request.body, terms), head

    def _answer_once(
        self, caller: str, request_id: str, request: Request, terms: Terms, head: Headers
    ) -> tuple[bytes, Headers]:
        assert self._services.store is not None  # noqa: S101 - asked by _handle
        # No id and no key holds a NUL, so no caller can reach another's answers.
        key = f"{caller}\0{idempotency_key_of(request.fields)}"
        same = (request.raw_path, request.query, terms.out.media_type, request.body)

        def make() -> bytes:
            made = self._answer(request_id, request.body, terms)
            self._ledger.write()  # a stored answer already has its record
            return made

        answer, replayed = self._services.store.answer(key, request_id, same, make)
        if replayed:
            self._counters.add("replayed")
            head.append(REPLAYED)
        return answer, head

    def _answer(self, request_id: str, body: bytes, terms: Terms) -> bytes:
        codec, wanted = terms.codec, terms.why[0]
        if codec.is_batch(body):
            return self._batches.answer(Batch(request_id, body, terms))
        if len(body) > APPLICANT_BYTES:
            raise too_long(body)
        began = perf_counter()
        try:
            said = self._model.score(body, codec)
            added = 0.0
            if wanted != "none":
                scored = perf_counter()
                said = explained(self._model, said, body, terms)
                added = perf_counter() - scored
        except RefusedError as refused:
            raise problem_of(refused) from refused
        self._scored_in(took := perf_counter() - began)
        self._book.scored(request_id, 0, said, took, body, codec is MESSAGE_PACK)
        if self._shadow is not None:
            self._shadow.add(request_id, 0, body, codec, said)
        answer = self._writers[terms.out].write(request_id, said)
        if wanted != "none":
            self._cost.learn(wanted, perf_counter() - began - added, added)
        return answer

    def _terms(self, fields: Fields, query: bytes) -> Terms:
        """Return what the head asks for; raises Problem 415, 406 or 400."""
        codec = content_codec(fields)
        out = answer_codec(fields, codec)
        partial, reasons = asked(query)
        return Terms(codec, out, partial, self._why(reasons, fields))

    def _why(self, asked_for: Wanted | None, fields: Fields) -> Why:
        """Return which reasons to answer, in which language; raises Problem 400 if there are none.

        Without reason codes none are answered, unless the client asks for some.
        """
        reasons = self._model.reasons
        if reasons is None:
            if asked_for in {None, "none"}:
                return NO_REASONS
            name = f"{self._model.tag.name}/{self._model.tag.version}"
            raise Problem(400, f"query: reasons={asked_for}: {name} has no reason codes")
        accepted = fields.get(b"accept-language")
        language = language_of(accepted, reasons.languages) if accepted else reasons.languages[0]
        return asked_for or self._reasons, language
