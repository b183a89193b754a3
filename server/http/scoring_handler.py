"""What all handlers of scoring requests share: access, request ids, errors, times, access log."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

import msgspec

from ..metrics.counters import Counters
from .compression import ENCODING, packed, unpacked
from .endpoint import Exchange
from .fields import Fields, id_or_none, request_id_of, trace_of
from .idempotency import BusyError
from .ledger import Book
from .message import Answer, Request, refusal
from .problem import Headers, Problem
from .services import Services

TRACE = b"traceparent"
HELD = Problem(
    503, "Idempotency-Key: the store is held by somebody else", headers=[(b"retry-after", b"1")]
)
UNFORESEEN = "unforeseen error: its trace is in the server's log"
log = logging.getLogger(__name__)


class Unforeseen:
    """Logs and counts an exception that no client has caused; what is behind the block goes on."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """End it; what is meant for the caller goes on to the caller."""
        if not isinstance(error, Exception) or isinstance(error, Problem | BusyError):
            return False
        log.error("unforeseen error", exc_info=error)
        self._counters.add("unhandled")
        return True


class ScoringHandler(ABC):
    """See endpoint.Handler; no answer may be sent before the ledger has committed it."""

    endpoint = "score"

    def __init__(self, services: Services, book: Book) -> None:
        self._services = services
        self._book = book
        self._keys = services.keys if services.settings.keys else None
        self._counters = counters = services.counters
        self._unforeseen = Unforeseen(counters)
        self._waited, self._took = map(counters.observer_of_all, ("wait", "total"))
        self._scored_in = counters.observer("score")

    @abstractmethod
    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        """Return body and head of the answer, its records entered; raises Problem."""

    def answer(self, request: Request) -> Answer:
        """Answer one request; every error of the client becomes an answer.

        Raises BusyError if the request must wait for the idempotency store.
        """
        request_id, fields = "", request.fields
        with self._unforeseen:
            try:
                is_open = self._keys is None and request.method == "POST"
                caller = "" if is_open else self._let_in(request)  # or nothing of it is recorded
                request_id = request_id_of(fields)
                if ENCODING in fields:
                    request = self._unpacked(request)
                body, head = self._handle(caller, request_id, request)
                return Answer(request_id, 200, head, packed(fields, head, body))
            except Problem as problem:
                request_id = request_id or id_or_none(fields)
                self._book.refused(
                    request_id, problem.status, request.body, problem.errors, problem.more
                )
                return self.refusal(problem, request_id, fields)
            except BusyError as busy:
                busy.answer = self.refusal(HELD, request_id, fields)
                raise
        return self.refusal(Problem(500, UNFORESEEN), request_id, fields)

    def terms(self, fields: Fields) -> Any:
        """See endpoint.Handler: each request is answered alone."""
        return None

    def answer_all(self, requests: Sequence[Request], terms: Any) -> list[Answer]:
        """See endpoint.Handler; none suffers from another."""
        answers: list[Answer] = []
        with suppress(Problem), self._unforeseen:  # of the key: each is refused alone
            if self._keys is not None:
                self._let_in(requests[0])
            self._answer_all(requests, terms, answers)
        return answers + [self.answer(each) for each in requests[len(answers) :]]

    def _answer_all(self, requests: Sequence[Request], terms: Any, answers: list[Answer]) -> None:
        """Add to `answers` those to the first of the requests, their records entered."""
        return

    def refusal(self, problem: Problem, request_id: str, fields: Fields) -> Answer:
        """See endpoint.Handler."""
        return refusal(problem, request_id, fields, self.endpoint == "infer")

    def close(self, exchanges: Sequence[Exchange], began: float) -> None:
        """Time and log requests whose answers were sent; `began` is a perf_counter time."""
        now, arrived = perf_counter(), [each.request.arrived for each in exchanges]
        self._waited([began - each for each in arrived])
        self._took([now - each for each in arrived])
        access = self._services.access
        if access.is_off:
            return
        for each in exchanges:
            request, answer, fields = each.request, each.answer, each.request.fields
            trace = trace_of(fields) if TRACE in fields else b""
            access.write(
                answer.request_id, request.method, request.path, answer.status,
                now - request.arrived, trace,
            )  # fmt: skip

    def _unpacked(self, request: Request) -> Request:
        """Return the request with its body as it was before compression; raises Problem."""
        body = unpacked(request.fields, request.body, self._services.settings.max_body)
        return msgspec.structs.replace(request, body=body)

    def _let_in(self, request: Request) -> str:
        """Return the caller's id; raises Problem 405, 401 or 403."""
        if request.method != "POST":
            got = request.method
            said = f"wanted POST, got {got}; /docs shows how to ask"
            raise Problem(405, said, headers=[(b"allow", b"POST")])
        return "" if self._keys is None else self._keys.check(request.fields, "score")
