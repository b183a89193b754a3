"""No answer before its record: what was scored together is written together, then may go out.

How many answers share one write is the caller's to say: one on the ASGI path, those of one turn of
the event loop in the fast lane. When that write fails, every score among them is refused.
"""

from collections.abc import Sequence
from time import perf_counter

from .http.message import Answer, Request, refusal
from .http.problem import Problem
from .metrics.counters import AT
from .services import Services
from .shadow import Shadow

SCORED = AT["requests", "score", 200]
OK = 200


class Ledger:
    """Writes what one worker's answers rest on, and counts the answers.

    `later` is what is still to do, for no answer's sake, once they are out.
    """

    def __init__(self, services: Services, shadow: Shadow | None = None) -> None:
        self._recorder = services.recorder
        self._counters = services.counters
        self._row = services.counters.row
        self._took = services.counters.repeated("record")
        self._shadow = shadow
        self.later = None if shadow is None else shadow.run

    def commit(self, said: Sequence[tuple[Request, Answer]]) -> list[Answer]:
        """Return what may go out, counted: the answers, or refusals of the scores among them.

        Whoever has an answer finds it in the metrics of any worker.
        """
        began = perf_counter()
        answers = [answer for _, answer in said]
        try:
            self.write(len(said))
        except Problem as problem:
            answers = [instead(problem, *each) for each in said]
        scored = sum(answer.status == OK for answer in answers)
        if scored:
            self._row[SCORED] += scored
            self._took(perf_counter() - began, scored)
        if scored < len(answers):
            self._count_refused(answers)
        return answers

    def write(self, requests: int = 1) -> None:
        """Write the records there are, of so many requests; raises Problem 503."""
        try:
            self._recorder.flush(requests)
        except OSError as error:
            if self._shadow is not None:
                self._shadow.forget()
            raise Problem(503, f"the prediction log cannot be written: {error.strerror}") from error
        if self._shadow is not None:
            self._shadow.keep()

    def _count_refused(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if answer.status != OK:
                self._counters.request("score", answer.status)


def instead(problem: Problem, request: Request, answer: Answer) -> Answer:
    """Return a refusal in the place of a score; a refusal stays as it is."""
    return refusal(problem, answer.request_id, request.fields) if answer.status == OK else answer
