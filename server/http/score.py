"""`POST /score`: the hot path, from a request to an answer with a record behind it.

This module does not know how requests arrive and answers leave: the ASGI endpoint and the fast path
share one handler, so they cannot differ in what they answer, record or count.
"""

from contextlib import suppress
from time import perf_counter

from ..record.line import APPLICANT_BYTES
from ..scoring.answer import builders
from ..scoring.codec import Codec
from ..scoring.model import Model
from ..scoring.refusals import RefusedError
from ..settings import Reasons as Wanted
from .batch import Batch, Batches, Why, explained, too_long
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
from .ledger import Ledger
from .message import NO_SNIFF, NO_STORE, Request
from .problem import Headers, Problem, problem_of
from .scoring_handler import TRACE, ScoringHandler
from .services import Services
from .shadow import Shadow

NO_REASONS: Why = ("none", "")
IDEMPOTENCY_KEY = b"idempotency-key"
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
        self._build = builders(model)
        self._shadow = shadow
        self._reasons = services.settings.reasons
        self._cost = Cost(model.bundle)
        self._batches = Batches(
            model, self._book, shadow, services.settings.max_batch, self._scored_in
        )

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return the cost of a request to be answered; see cost.Cost."""
        wanted = None
        if query:
            with suppress(Problem):
                wanted = asked(query)[1]
        return self._cost.of(body, wanted or self._reasons)

    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        fields = request.fields
        codec = content_codec(fields)
        out = answer_codec(fields, codec)
        if DEADLINE in fields:
            check_deadline(fields, perf_counter() - request.arrived)
        partial, reasons = asked(request.query)
        why = self._why(reasons, fields)
        head = [
            (b"content-type", out.media_type), (b"x-request-id", request_id.encode()),
            NO_STORE, NO_SNIFF,
        ]  # fmt: skip
        if TRACE in fields and (trace := trace_of(fields)):
            head.append((TRACE, trace))
        if IDEMPOTENCY_KEY in fields and self._services.store is not None:
            return self._answer_once(caller, request_id, request, codec, out, head, partial, why)
        return self._answer(request_id, request.body, codec, out, partial, why), head

    def _answer_once(
        self, caller: str, request_id: str, request: Request, codec: Codec, out: Codec,
        head: Headers, partial: bool, why: Why,
    ) -> tuple[bytes, Headers]:  # fmt: skip
        assert self._services.store is not None  # noqa: S101 - asked by _handle
        # No id and no key holds a NUL, so no caller can reach another's answers.
        key = f"{caller}\0{idempotency_key_of(request.fields)}"
        same = (request.raw_path, request.query, out.media_type, request.body)

        def make() -> bytes:
            made = self._answer(request_id, request.body, codec, out, partial, why)
            self._ledger.write()  # a stored answer already has its record
            return made

        answer, replayed = self._services.store.answer(key, request_id, same, make)
        if replayed:
            self._counters.add("replayed")
            head.append(REPLAYED)
        return answer, head

    def _answer(
        self, request_id: str, body: bytes, codec: Codec, out: Codec, partial: bool, why: Why
    ) -> bytes:
        if codec.is_batch(body):
            return self._batches.answer(Batch(request_id, body, codec, out, partial, why))
        if len(body) > APPLICANT_BYTES:
            raise too_long(body)
        began = perf_counter()
        try:
            said = self._model.score(body, codec)
            added = 0.0
            if why[0] != "none":
                scored = perf_counter()
                said = explained(self._model, said, body, codec, why)
                added = perf_counter() - scored
        except RefusedError as refused:
            raise problem_of(refused) from refused
        self._scored_in(took := perf_counter() - began)
        self._book.scored(request_id, 0, said, took, codec.as_json(body))
        if self._shadow is not None:
            self._shadow.add(request_id, 0, body, codec, said)
        answer = out.encode(self._build[out](request_id, said))
        if why[0] != "none":
            self._cost.learn(why[0], perf_counter() - began - added, added)
        return answer

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
