"""What all handlers of scoring requests share: access, request ids, errors, times, access log."""

import logging
from abc import ABC, abstractmethod
from time import perf_counter

import msgspec

from .compression import ENCODING, LEAST, packed, unpacked
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


class ScoringHandler(ABC):
    """See endpoint.Handler; no answer may be sent before the ledger has committed it."""

    endpoint = "score"

    def __init__(self, services: Services, book: Book) -> None:
        self._services = services
        self._book = book
        self._keys = services.keys if services.settings.keys else None
        self._counters = counters = services.counters
        self._took = counters.pair("wait", "total")
        self._scored_in = counters.observer("score")

    @abstractmethod
    def _handle(self, caller: str, request_id: str, request: Request) -> tuple[bytes, Headers]:
        """Return body and head of the answer, its records entered; raises Problem."""

    def answer(self, request: Request) -> Answer:
        """Answer one request; every error of the client becomes an answer.

        Raises BusyError if the request must wait for the idempotency store.
        """
        request_id = ""
        try:
            is_open = self._keys is None and request.method == "POST"
            caller = "" if is_open else self._let_in(request)  # otherwise nothing of it is recorded
            request_id = request_id_of(request.fields)
            if ENCODING in request.fields:
                request = self._unpacked(request)
            body, head = self._handle(caller, request_id, request)
        except Problem as problem:
            request_id = request_id or id_or_none(request.fields)
            self._book.refused(
                request_id, problem.status, request.body, problem.errors, problem.more
            )
            return self.refusal(problem, request_id, request.fields)
        except BusyError as busy:
            busy.answer = self.refusal(HELD, request_id, request.fields)
            raise
        except Exception:
            log.exception("unforeseen error")
            self._counters.add("unhandled")
            return self.refusal(Problem(500, UNFORESEEN), request_id, request.fields)
        if len(body) >= LEAST:
            body = packed(request.fields, head, body)
        return Answer(request_id, 200, head, body)

    def refusal(self, problem: Problem, request_id: str, fields: Fields) -> Answer:
        """See endpoint.Handler."""
        return refusal(problem, request_id, fields, self.endpoint == "infer")

    def close(self, request: Request, answer: Answer, began: float) -> None:
        """Time and log a request after its answer was sent; `began` is a perf_counter time."""
        self._took(began - request.arrived, took := perf_counter() - request.arrived)
        fields = request.fields
        trace = trace_of(fields) if TRACE in fields else b""
        self._services.access.write(
            answer.request_id, request.method, request.path, answer.status, took, trace
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
