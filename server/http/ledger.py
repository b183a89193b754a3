"""No answer before its record: answers scored together are recorded together, then sent.

Every way in (`/score` through either path, the inference protocol) enters outcomes and refusals in
the `Book` of their model and has the ledger write them. The caller decides how many answers share a
write: one on the ASGI path, those of one turn of the event loop on the fast path. If the write
fails, all scores among them are refused.
"""

from collections.abc import Sequence
from time import perf_counter

from ..bundle.tag import ModelTag
from ..metrics.counters import AT, DECISIONS, ENDPOINTS
from ..record.recorder import RECORDED
from ..scoring.block import Scored
from ..scoring.faults import Fault
from ..scoring.outcome import Outcome
from .endpoint import Exchange, Handler
from .message import Answer, Request
from .problem import Problem
from .services import Services
from .shadow import Shadow

SCORED = {endpoint: AT["requests", endpoint, 200] for endpoint in ENDPOINTS}
DECIDED = {decision: AT["decisions", decision] for decision in DECISIONS}
APPLICANTS, WARNINGS = AT["plain", "applicants"], AT["plain", "warnings"]
OK = 200


class Book:
    """Records and counts the applicants of one model; `warns`: its answers have warnings."""

    def __init__(self, services: Services, tag: ModelTag, warns: bool) -> None:
        self._warns = warns
        self._tag = tag
        self._recorder = services.recorder
        self._counters = services.counters
        self._row = services.counters.row
        self._lines = services.recorder.writer(tag)

    def scored(
        self, request_id: str, index: int, said: Outcome, seconds: float, features: bytes | None,
        is_packed: bool = False,
    ) -> None:  # fmt: skip
        """Enter an applicant with a score; `features` as in LineWriter.write."""
        row = self._row
        row[APPLICANTS] += 1
        if said.decision is not None:
            row[DECIDED[said.decision]] += 1
        if said.flags and self._warns:
            row[WARNINGS] += len(said.flags)
        line = self._lines.write(request_id, index, said, seconds * 1e6, features, is_packed)
        self._recorder.append(line)

    def scored_all(
        self, ids: str | list[str], scored: Scored, seconds: float, is_packed: bool
    ) -> bool:
        """Enter applicants that were scored as a block; see LineWriter.write_all.

        False if they have to be entered one by one.
        """
        lines = self._lines.write_all(ids, scored, seconds * 1e6, is_packed)
        if lines is None:
            return False
        row, decided = self._row, scored.decided.tobytes()
        row[APPLICANTS] += len(scored)
        for place, decision in enumerate(scored.decisions):
            if decision is not None:
                row[DECIDED[decision]] += decided.count(place)
        self._recorder.append(lines, len(scored))
        return True

    def refused(
        self, request_id: str, status: int, body: bytes, faults: Sequence[Fault] = (),
        more: int = 0, index: int | None = None,
    ) -> None:  # fmt: skip
        """Enter a request, or one applicant of a batch, without a score; see append_refused."""
        self._counters.add("faults", len(faults) + more)
        if status in RECORDED:
            self._recorder.append_refused(
                self._tag, request_id, status, faults, body, index, more
            )  # fmt: skip


class Ledger:
    """Writes the records behind one worker's answers, and counts the answers.

    `later` is what to do after they are sent.
    """

    def __init__(self, services: Services, shadow: Shadow | None = None) -> None:
        self._services = services
        self._recorder = services.recorder
        self._counters = services.counters
        self._row = services.counters.row
        self._took = services.counters.observer("record")
        self._shadow = shadow
        self.later = None if shadow is None else shadow.run

    def book(self, tag: ModelTag, warns: bool = True) -> Book:
        """Return the book of one model."""
        return Book(self._services, tag, warns)

    def answer(self, handler: Handler, request: Request) -> Answer:
        """Return the answer to one request that shares its write with no other."""
        exchange = Exchange(request, handler.answer(request), handler)
        self.commit([exchange])
        return exchange.answer

    def commit(self, exchanges: Sequence[Exchange]) -> None:
        """Commit and count every answer, so that it may be sent; a score without a record
        is refused.

        A client that has its answer finds it in the metrics of any worker.
        """
        began = perf_counter()
        try:
            self.write(len(exchanges))
        except Problem as problem:
            refuse_scores(exchanges, problem)
        scored = [each.handler.endpoint for each in exchanges if each.answer.status == OK]
        for endpoint in {*scored}:
            self._row[SCORED[endpoint]] += scored.count(endpoint)
        if len(scored) < len(exchanges):
            for each in exchanges:
                if each.answer.status != OK:
                    self._counters.request(each.handler.endpoint, each.answer.status)
        if scored:
            self._took(perf_counter() - began, len(scored))

    def write(self, requests: int = 1) -> None:
        """Write the collected records of `requests` requests; raises Problem 503."""
        try:
            self._recorder.flush(requests)
        except OSError as error:
            if self._shadow is not None:
                self._shadow.forget()
            raise Problem(503, f"the prediction log cannot be written: {error.strerror}") from error
        if self._shadow is not None:
            self._shadow.keep()


def refuse_scores(exchanges: Sequence[Exchange], problem: Problem) -> None:
    """Replace every score by the problem; refusals stay as they are."""
    for each in exchanges:
        if each.answer.status == OK:
            each.answer = each.handler.refusal(problem, each.answer.request_id, each.request.fields)
