"""`POST /score`: the hot path, from a request to an answer with a record behind it.

How a request came in and how the answer goes out is not known here: the ASGI endpoint and the fast
lane share this one handler, so they cannot differ in what they answer, record or count.
"""

import logging
from time import perf_counter
from typing import Any

import msgspec

from .answer import builders
from .codec import Codec
from .http.fields import (
    DEADLINE,
    Fields,
    answer_codec,
    check_deadline,
    content_codec,
    idempotency_key_of,
    is_partial,
    request_id_of,
    trace_of,
)
from .http.message import Answer, Request
from .http.problem import MEDIA_TYPE, Headers, Problem
from .metrics.counters import AT, DECISIONS
from .model import Model, Outcome
from .record import RECORDED, Scored
from .services import Services
from .shadow import Shadow

IDEMPOTENCY_KEY = b"idempotency-key"
TRACE = b"traceparent"
SCORED = AT["requests", "score", 200]
DECIDED = {decision: AT["decisions", decision] for decision in DECISIONS}
APPLICANTS, WARNINGS = AT["plain", "applicants"], AT["plain", "warnings"]
REPLAYED = (b"idempotency-replayed", b"true")
NO_STORE = (b"cache-control", b"no-store")
NO_SNIFF = (b"x-content-type-options", b"nosniff")

UNFORESEEN = "unforeseen error: its trace is in the server's log"
log = logging.getLogger(__name__)


class Score:
    """Answers over one model; belongs to one thread, as the model does."""

    def __init__(self, model: Model, services: Services, shadow: Shadow | None = None) -> None:
        self._model = model
        self._services = services
        self._recorder = services.recorder
        self._build = builders(model)
        self._shadow = shadow
        self.later = None if shadow is None else shadow.run
        self._max_batch = services.settings.max_batch
        self._keys = services.keys if services.settings.keys else None
        self._counters = counters = services.counters
        self._row = counters.row
        self._took = counters.pair("wait", "total")
        self._stages = counters.pair("score", "record")

    def answer(self, request: Request) -> Answer:
        """Answer one request; every error of the client's is a problem document.

        It is counted here: whoever has the answer finds it in the metrics of any worker.
        """
        request_id = ""
        try:
            request_id = request_id_of(request.fields)
            body, head = self._handle(request_id, request)
        except Problem as problem:
            self._refused(request_id, problem, request.body)
            return self._counted(problem_answer(problem, request_id, request.fields))
        except Exception:
            log.exception("unforeseen error")
            self._counters.add("unhandled")
            unforeseen = Problem(500, UNFORESEEN)
            return self._counted(problem_answer(unforeseen, request_id, request.fields))
        self._row[SCORED] += 1
        return Answer(request_id, 200, head, body)

    def close(self, request: Request, answer: Answer, began: float) -> None:
        """Time and log a request once its answer is out; `began` as by perf_counter."""
        self._took(began - request.arrived, took := perf_counter() - request.arrived)
        fields = request.fields
        trace = trace_of(fields) if TRACE in fields else b""
        self._services.access.write(
            answer.request_id, request.method, request.path, answer.status, took, trace
        )  # fmt: skip

    def _counted(self, answer: Answer) -> Answer:
        self._counters.request("score", answer.status)
        return answer

    def _handle(self, request_id: str, request: Request) -> tuple[bytes, Headers]:
        if request.method != "POST":
            got = request.method
            raise Problem(405, f"wanted POST, got {got}", headers=[(b"allow", b"POST")])
        fields = request.fields
        caller = "" if self._keys is None else self._keys.check(fields, "score")
        codec = content_codec(fields)
        out = answer_codec(fields, codec)
        if DEADLINE in fields:
            check_deadline(fields, perf_counter() - request.arrived)
        partial = is_partial(request.query)
        head = [
            (b"content-type", out.media_type), (b"x-request-id", request_id.encode()),
            NO_STORE, NO_SNIFF,
        ]  # fmt: skip
        if TRACE in fields and (trace := trace_of(fields)):
            head.append((TRACE, trace))
        if IDEMPOTENCY_KEY in fields and self._services.store is not None:
            return self._answer_once(caller, request_id, request, codec, out, head, partial)
        return self._answer(request_id, request.body, codec, out, partial), head

    def _answer_once(
        self, caller: str, request_id: str, request: Request, codec: Codec, out: Codec,
        head: Headers, partial: bool,
    ) -> tuple[bytes, Headers]:  # fmt: skip
        assert self._services.store is not None  # noqa: S101 - asked by _handle
        # No id and no key holds a NUL, so no caller can reach another's answers.
        key = f"{caller}\0{idempotency_key_of(request.fields)}"
        same = (request.raw_path, request.query, out.media_type, request.body)
        answer, replayed = self._services.store.answer(
            key, request_id, same,
            lambda: self._answer(request_id, request.body, codec, out, partial),
        )  # fmt: skip
        if replayed:
            self._counters.add("replayed")
            head.append(REPLAYED)
        return answer, head

    def _answer(
        self, request_id: str, body: bytes, codec: Codec, out: Codec, partial: bool
    ) -> bytes:
        if codec.is_batch(body):
            return self._answer_batch(request_id, body, codec, out, partial)
        began = perf_counter()
        said = self._model.score(body, codec)
        scored = perf_counter()
        self._append(request_id, 0, said, scored - began, codec.as_json(body))
        self._flush()
        self._stages(scored - began, perf_counter() - scored)
        if self._shadow is not None:
            self._shadow.add(request_id, 0, body, codec, said)
        return out.encode(self._build[out](request_id, said))

    def _answer_batch(
        self, request_id: str, body: bytes, codec: Codec, out: Codec, partial: bool
    ) -> bytes:
        began = perf_counter()
        bodies = self._split(body, codec)
        outcomes = [self._try(each, codec, i) for i, each in enumerate(bodies)]
        refused = [said for said in outcomes if isinstance(said, Problem)]
        if refused and not partial:
            raise together(refused, len(bodies))
        scored = perf_counter()
        answers = [
            self._batch_answer(request_id, i, said, scored - began, bodies[i], codec, out)
            for i, said in enumerate(outcomes)
        ]
        self._flush()
        self._stages(scored - began, perf_counter() - scored)
        return out.encode(answers)

    def _split(self, body: bytes, codec: Codec) -> list[bytes]:
        try:
            bodies = codec.split(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, f"not a whole array: {error}") from error
        if len(bodies) > self._max_batch:
            raise Problem(413, f"batch: wanted at most {self._max_batch}, got {len(bodies)}")
        return [bytes(each) for each in bodies]

    def _try(self, body: bytes, codec: Codec, index: int) -> Outcome | Problem:
        try:
            return self._model.score(body, codec, index)
        except Problem as problem:
            return problem

    def _batch_answer(
        self, request_id: str, index: int, said: Outcome | Problem, took: float, body: bytes,
        codec: Codec, out: Codec,
    ) -> Any:  # fmt: skip
        if isinstance(said, Problem):
            self._counters.add("faults", len(said.errors))
            self._recorder.append_refused(
                self._model.tag, request_id, said.status, said.errors, body, index
            )
            return said.document(request_id)
        self._append(request_id, index, said, took, codec.as_json(body))
        if self._shadow is not None:
            self._shadow.add(request_id, index, body, codec, said)
        return self._build[out](request_id, said)

    def _append(
        self, request_id: str, index: int, said: Outcome, took: float, features: bytes
    ) -> None:
        row = self._row
        row[APPLICANTS] += 1
        if said.decision is not None:
            row[DECIDED[said.decision]] += 1
        if said.flags:
            row[WARNINGS] += len(said.flags)
        self._recorder.append(
            self._model.tag,
            Scored(
                request_id, index, said.raw, said.prediction, said.decision, said.flags,
                took * 1e6, said.row, features,
            ),
        )  # fmt: skip

    def _refused(self, request_id: str, problem: Problem, body: bytes) -> None:
        self._counters.add("faults", len(problem.errors))
        if self._shadow is not None:
            self._shadow.forget()
        if problem.status in RECORDED:
            self._recorder.refuse(
                self._model.tag, request_id, problem.status, problem.errors, body
            )  # fmt: skip

    def _flush(self) -> None:
        try:
            self._recorder.flush()
        except OSError as error:
            raise Problem(503, f"the prediction log cannot be written: {error.strerror}") from error


def together(problems: list[Problem], count: int) -> Problem:
    """Return one problem for a batch that is refused as a whole."""
    errors = tuple(fault for problem in problems for fault in problem.errors)
    detail = (
        f"{len(problems)} of {count} applicants refused, none scored; first: {problems[0].detail}"
    )
    return Problem(max(problem.status for problem in problems), detail, errors)


def problem_answer(problem: Problem, request_id: str, fields: Fields) -> Answer:
    """Return a problem document as an answer."""
    head = [(b"content-type", MEDIA_TYPE), NO_STORE, NO_SNIFF, *problem.headers]
    if request_id:
        head.append((b"x-request-id", request_id.encode()))
    if trace := trace_of(fields):
        head.append((TRACE, trace))
    return Answer(request_id, problem.status, head, problem.encode(request_id))
