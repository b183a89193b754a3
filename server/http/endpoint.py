"""A handler of complete requests as an ASGI endpoint, without routing or middleware."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from .fields import Fields, fields_of, respond
from .idempotency import BUSY_SECONDS, BusyError
from .message import ARRIVED, BODY, Answer, Request
from .problem import Problem

MOST_WAITING = 32
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.05  # seconds between two tries while the store is locked


class Handler(Protocol):
    """Answers a request without waiting for anything; `endpoint` is its name in the metrics."""

    endpoint: str

    def answer(self, request: Request) -> Answer:
        """Return the answer, to be committed; every error of the request becomes an answer."""

    def refusal(self, problem: Problem, request_id: str, fields: Fields) -> Answer:
        """Return a problem as the answer to a request with these header fields."""

    def close(self, exchanges: Sequence["Exchange"], began: float) -> None:
        """Time and log requests after their answers were sent."""

    def terms(self, fields: Fields) -> Any:
        """Return what requests with these fields ask for, and no query, so that `answer_all` may
        answer them together; None if it may not.
        """

    def answer_all(self, requests: Sequence[Request], terms: Any) -> list[Answer]:
        """Return what `answer` would to each of requests with equal fields but for the length."""

    def weigh(self, query: bytes, body: bytes) -> int:
        """Return what a request takes of the queue, 1 for a plain applicant."""


class Exchange(msgspec.Struct, gc=False):
    """A request and its answer, until it is sent."""

    request: Request
    answer: Answer
    handler: Handler


class Ledger(Protocol):
    """Commits answers; see ledger.Ledger."""

    later: Callable[[], None] | None

    def answer(self, handler: Handler, request: Request) -> Answer:
        """Return the committed answer to one request."""

    def commit(self, exchanges: Sequence[Exchange]) -> None:
        """Commit every answer, so that it may be sent."""


class Waiting:
    """The requests of a worker that wait for the idempotency store, at most `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = 0


class Endpoint:
    """A pure ASGI callable for one handler, behind `protocol.Connection`."""

    def __init__(self, handler: Handler, ledger: Ledger, waiting: Waiting | None = None) -> None:
        self._handler = handler
        self._ledger = ledger
        self._waiting = waiting or Waiting(MOST_WAITING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        request = Request(
            scope["method"], scope["path"], scope["raw_path"], scope["query_string"],
            fields_of(scope), scope[BODY], scope[ARRIVED],
        )  # fmt: skip
        answer = await self._answer(request)
        await respond(send, answer.status, answer.head, answer.body)
        self._handler.close([Exchange(request, answer, self._handler)], began)
        if self._ledger.later is not None:
            self._ledger.later()

    async def _answer(self, request: Request) -> Answer:
        """Retry until the idempotency store is free; other requests are answered in between."""
        pause = FIRST_PAUSE
        while True:
            try:
                return self._ledger.answer(self._handler, request)
            except BusyError as busy:
                waited = perf_counter() - request.arrived
                if waited > BUSY_SECONDS or self._waiting.now >= self._waiting.most:
                    exchange = Exchange(request, busy.answer, self._handler)
                    self._ledger.commit([exchange])
                    return exchange.answer
            self._waiting.now += 1
            try:
                await asyncio.sleep(pause)
            finally:
                self._waiting.now -= 1
            pause = min(2 * pause, LONGEST_PAUSE)
