"""Group commit: the scores of one turn of the event loop, recorded by one write.

What became readable together is answered together: first all is read, then all is scored, then one
write records it, then all answers leave. So the price of a record is shared, and neither the next
read nor a client that wakes comes between two scores and empties the caches.

No answer waits for another longer than PATIENCE: after it, what is scored is written and sent, and
what became readable meanwhile is read before the rest is scored: so a long queue holds up neither a
probe for health nor a refusal. The requests that wait are the length of the queue, which here
stands in no task.
"""

import asyncio
from time import perf_counter
from typing import Protocol

from .endpoint import Handler, Ledger
from .in_flight import InFlight
from .message import Answer, Exchange

PATIENCE = 0.003  # seconds


class Client(Protocol):
    """Where an answer goes."""

    def finish(self, answer: Answer, keep: bool) -> bytes:
        """Return the bytes of the answer; `keep`: the connection is to stay."""

    def send(self, data: bytes) -> None:
        """Send them, and close the connection unless it stays."""


class Asked(Exchange):
    """A whole request that waits for the end of its group, by now without an answer.

    `keep` tells whether its connection is to stay, `began` when it was scored, as by perf_counter.
    """

    client: Client
    handler: Handler
    keep: bool
    began: float = 0.0
    data: bytes = b""


class GroupCommit:
    """What waits to be answered, of all connections of a worker."""

    def __init__(self, in_flight: InFlight, ledger: Ledger) -> None:
        self._waiting = in_flight.waiting
        self._ledger = ledger

    def add(self, loop: asyncio.AbstractEventLoop, asked: Asked) -> None:
        """Answer it once all that is readable now was read."""
        if not self._waiting:
            loop.call_soon(self._end, loop)
        self._waiting.append(asked)

    def finish(self) -> None:
        """Answer all that waits, in the order it came."""
        while self._waiting:
            self._answer()

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._answer()
        finally:  # or nobody would ever answer what waits
            if self._waiting:
                loop.call_soon(self._end, loop)

    def _answer(self) -> None:
        group: list[Asked] = []
        while self._waiting:
            began = perf_counter()
            if group and began - group[0].began > PATIENCE:
                break
            asked = self._waiting.popleft()
            asked.began = began
            asked.answer = asked.handler.answer(asked.request)
            group.append(asked)
        if group:
            self._send(group)

    def _send(self, group: list[Asked]) -> None:
        self._ledger.commit(group)
        for asked in group:
            asked.data = asked.client.finish(asked.answer, asked.keep)
        for asked in group:  # nothing in between: a client that sleeps is woken once
            asked.client.send(asked.data)
        for asked in group:
            asked.handler.close(asked.request, asked.answer, asked.began)
        if self._ledger.later is not None:
            asyncio.get_running_loop().call_soon(self._ledger.later)
