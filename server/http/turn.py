"""One turn of the event loop, as the fast lane answers it.

What became readable together is answered together: first all is read, then all is scored, then one
write records it, then all answers leave. So the price of a record is shared, and neither the next
read nor a client that wakes comes between two scores and empties the caches.

No answer waits for another longer than PATIENCE: after it, what is scored is written and sent
before the rest is scored. The requests that wait are the length of the queue, which here stands in
no task.
"""

import asyncio
from time import perf_counter
from typing import Protocol

import msgspec

from .endpoint import Handler, Ledger
from .message import Answer, Request

PATIENCE = 0.001  # seconds


class Client(Protocol):
    """Where an answer goes."""

    def finish(self, answer: Answer, keep: bool) -> bytes:
        """Return the bytes of the answer; `keep`: the connection is to stay."""

    def send(self, data: bytes) -> None:
        """Send them."""

    def sent(self) -> None:
        """Do what is due after them."""


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A whole request that waits for its turn's end; `keep`: its connection is to stay."""

    client: Client
    handler: Handler
    request: Request
    keep: bool


class Turn:
    """What waits to be answered, of all connections of a worker."""

    def __init__(self, ledger: Ledger) -> None:
        self.waiting: list[Asked] = []
        self._ledger = ledger

    def add(self, loop: asyncio.AbstractEventLoop, asked: Asked) -> None:
        """Answer it once all that is readable now was read."""
        if not self.waiting:
            loop.call_soon(self.end)
        self.waiting.append(asked)

    def end(self) -> None:
        """Answer all that waits, in the order it came."""
        waiting, self.waiting = self.waiting, []
        said: list[tuple[Request, Answer]] = []
        begins: list[float] = []
        first = 0
        for i, asked in enumerate(waiting):
            began = perf_counter()
            if said and began - begins[0] > PATIENCE:
                self._send(waiting[first:i], said, begins)
                first, said, begins = i, [], []
            begins.append(began)
            said.append((asked.request, asked.handler.answer(asked.request)))
        if said:
            self._send(waiting[first:], said, begins)

    def _send(
        self, group: list[Asked], said: list[tuple[Request, Answer]], begins: list[float]
    ) -> None:
        answers = self._ledger.commit(said)
        parts = [
            (asked.client.send, asked.client.finish(answer, asked.keep))
            for asked, answer in zip(group, answers, strict=True)
        ]
        for send, data in parts:  # nothing in between: a client that sleeps is woken once
            send(data)
        for asked, answer, began in zip(group, answers, begins, strict=True):
            asked.client.sent()
            asked.handler.close(asked.request, answer, began)
        if self._ledger.later is not None:
            asyncio.get_running_loop().call_soon(self._ledger.later)
