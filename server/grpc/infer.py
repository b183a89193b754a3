"""ModelInfer: the same inference as over HTTP, with its message as the body."""

from time import perf_counter

from ..http.fields import DEADLINE, Fields, check_deadline, trace_of
from ..http.message import Answer
from ..http.message import Request as HttpRequest
from ..http.problem import Headers, Problem
from ..http.scoring_handler import TRACE, ScoringHandler
from ..http.services import Services
from ..oip.infer import Infer
from ..scoring.catalog import Key
from .call import Call
from .framing import set_deadline
from .inference_pb2 import ModelInferRequest
from .messages import Answers, request_of

VALUE_BYTES = 8
GONE = Answer("", 499, [], b"")


class Named(HttpRequest, frozen=True, gc=False, kw_only=True):
    """A call and its message, for the model that it names."""

    call: Call
    message: ModelInferRequest


class InferHandler(ScoringHandler):
    """Answers the calls for one model; belongs to one thread, like the model."""

    endpoint = "infer"

    def __init__(self, infer: Infer, services: Services, key: Key) -> None:
        super().__init__(services, infer.book)
        self._infer, self._answers = infer, Answers(*key)

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return how many rows fit into the message, at least 1; see endpoint.Handler."""
        return max(1, len(body) // (VALUE_BYTES * self._infer.width))

    def answer(self, request: HttpRequest) -> Answer:
        """See endpoint.Handler; what its client has ended, as at a deadline, is not scored."""
        assert isinstance(request, Named)  # noqa: S101 - what Service queues
        return GONE if request.call.is_gone else super().answer(request)

    def _handle(self, caller: str, request_id: str, request: HttpRequest) -> tuple[bytes, Headers]:
        assert isinstance(request, Named)  # noqa: S101 - what Service queues
        fields = request.fields
        set_deadline(fields)
        if DEADLINE in fields:
            check_deadline(fields, perf_counter() - request.arrived)
        began = perf_counter()
        asked, binary = request_of(request.message)
        outcomes = self._infer.score(asked, binary)
        answer = self._answers.of(asked.id, self._infer.tell(asked, outcomes))
        self._scored_in(took := perf_counter() - began)
        self._infer.enter(asked.id or request_id, outcomes, took)
        head = [(b"x-request-id", request_id.encode())]
        if TRACE in fields and (trace := trace_of(fields)):
            head.append((TRACE, trace))
        return answer, head

    def refusal(self, problem: Problem, request_id: str, fields: Fields) -> Answer:
        """See endpoint.Handler."""
        return told(problem, request_id, fields)


def served(services: Services, name: str, version: str) -> Key:
    """Return name and version of a served model, the newest for ""; raises Problem 404."""
    catalog = services.catalog
    if not version and (newest := catalog.newest(name)) is not None:
        return name, newest.manifest.version
    if (name, version) not in catalog.models:
        raise Problem(404, catalog.absent(name, version or None))
    return name, version


def told(problem: Problem, request_id: str, fields: Fields) -> Answer:
    """Return a refusal: its text, and the header fields it shares with HTTP."""
    head = [*problem.headers]
    if request_id:
        head.append((b"x-request-id", request_id.encode()))
    if trace := trace_of(fields):
        head.append((TRACE, trace))
    return Answer(request_id, problem.status, head, problem.detail.encode())
