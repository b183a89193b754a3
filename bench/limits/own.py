"""The limit of this server: its own HTTP around a handler that answers a constant.

It shows what a request costs before and after the handler. This, and a score taken in process, add
up to a request. The constant has the form of a score.
"""

from collections.abc import Sequence
from typing import Any

from server import settings
from server.http.endpoint import Endpoint, Exchange
from server.http.fast_path import FastPath
from server.http.fields import Fields
from server.http.group_commit import GroupCommit
from server.http.message import NO_SNIFF, NO_STORE, Answer, Request, refusal
from server.http.problem import Problem
from server.http.shared import state
from server.metrics.counters import Table
from server.process import worker

PATH = b"/score"
REQUEST_ID = "0" * 32
BODY = (
    b'{"request_id":"%b","probability":0.12345678901234567,"decision":"approve","threshold":0.2,'
    b'"policy":"1","model":{"name":"none","version":"1","sha256":"%b"}}'
) % (REQUEST_ID.encode(), b"0" * 64)


class Constant:
    """A handler that gives every request the same answer."""

    endpoint = "score"

    def answer(self, request: Request) -> Answer:
        """Return the constant with a head of its own, since an ASGI answer adds to it."""
        head = [(b"content-type", b"application/json"), (b"x-request-id", REQUEST_ID.encode()),
                NO_STORE, NO_SNIFF]  # fmt: skip
        return Answer(REQUEST_ID, 200, head, BODY)

    def refusal(self, problem: Problem, request_id: str, fields: Fields) -> Answer:
        """Return the answer that a problem would be; there is none."""
        return refusal(problem, request_id, fields)

    def close(self, exchanges: Sequence[Exchange], began: float) -> None:
        """Do nothing."""

    def terms(self, fields: Fields) -> None:
        """Return None: each request is answered by itself."""

    def answer_all(self, requests: Sequence[Request], terms: None) -> list[Answer]:
        """Return the constant for each."""
        return [self.answer(each) for each in requests]

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return 1: all requests are alike."""
        return 1


class Unwritten:
    """A ledger that writes nothing."""

    later = None

    def answer(self, handler: Constant, request: Request) -> Answer:
        """Return the handler's answer."""
        return handler.answer(request)

    def commit(self, exchanges: Sequence[Exchange]) -> None:
        """Do nothing."""


def serve(port: int, fast_lane: bool) -> None:
    """Serve until SIGTERM with the settings the product's server has by default."""
    handler, ledger, chosen = Constant(), Unwritten(), settings.read({}, {"model": "none"})
    # The ledger knows only this handler, where the product's takes any.
    given: Any = ledger
    shared = state(chosen)
    group_commit = GroupCommit(shared.in_flight, given)
    fast_path = FastPath({PATH: handler}, group_commit) if fast_lane else None
    worker.serve(
        Endpoint(handler, given), fast_path, worker.bind("127.0.0.1", port), chosen,
        Table(1).row(0), worker.Hooks(nothing, nothing, shared, nothing, nothing),
    )  # fmt: skip


def nothing() -> None:
    """Do nothing, in place of a worker's status report."""
