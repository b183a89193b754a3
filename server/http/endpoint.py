"""A handler of whole requests as an ASGI endpoint: before any routing, with nothing around it."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from starlette.types import Receive, Scope, Send

from .fields import fields_of, respond
from .message import Answer, Exchange, Request
from .protocol import ARRIVED, BODY


class Handler(Protocol):
    """What answers a request without waiting for anything."""

    def answer(self, request: Request) -> Answer:
        """Return the answer, to be committed; no error of a request's escapes."""

    def close(self, request: Request, answer: Answer, began: float) -> None:
        """Time and log the request once its answer is out."""


class Ledger(Protocol):
    """What makes answers good; see ledger.Ledger."""

    later: Callable[[], None] | None

    def answer(self, handler: Handler, request: Request) -> Answer:
        """Return the answer to one request, which may go out."""

    def commit(self, exchanges: Sequence[Exchange]) -> None:
        """Make every answer one that may go out."""


class Endpoint:
    """A pure ASGI callable over one handler, behind `protocol.WholeRequests`."""

    def __init__(self, handler: Handler, ledger: Ledger) -> None:
        self._handler = handler
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        request = Request(
            scope["method"], scope["path"], scope["raw_path"], scope["query_string"],
            fields_of(scope), scope[BODY], scope[ARRIVED],
        )  # fmt: skip
        answer = self._ledger.answer(self._handler, request)
        await respond(send, answer.status, answer.head, answer.body)
        self._handler.close(request, answer, began)
        if self._ledger.later is not None:
            self._ledger.later()
