"""Load shedding: a queue of delayed refusals, and heads that need no parser.

Under overload most requests are refused, and the cost of refusals is taken from the scores.
"""

import asyncio
import re
from collections import deque
from typing import Protocol

# A client that retries before the second it was told waits a little for its next refusal: answered
# at once, such clients would take the CPU that accepted requests need.
SOON_SECONDS = 0.9
SHED_SECONDS = 0.1
STEP_SECONDS = 0.01
# Only names ignore case, and nothing backtracks: this takes a third of the time.
FIELD = (
    rb"(?!(?i:content-length:|transfer-encoding:|expect:|upgrade:|connection:(?! *keep-alive\r)))"
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+\r\n"
)
# A head that tells where its request ends: path and content length.
PLAIN_POST = re.compile(
    rb"POST (/[!-~]*+) HTTP/1\.1\r\n(?:%b)*+(?i:content-length): *+([0-9]{1,9}+)\r\n(?:%b)*+\r\n"
    % (FIELD, FIELD)
)


def plain_post(data: bytes) -> tuple[bytes, int] | None:
    """Return target and length of a POST that begins here, if its head tells where it ends."""
    head = PLAIN_POST.match(data)
    return None if head is None else (head[1], head.end() + int(head[2]))


class Refused(Protocol):
    """A connection whose request was shed."""

    def refuse(self, keep: bool, url: bytes, now: float) -> None:
        """Send the refusal; `keep`: the connection stays open; `now` is the loop's time."""


class Shedding:
    """The delayed refusals of a worker, with one timer for all of them."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Refused, bool, bytes]] = deque()

    def add(
        self, loop: asyncio.AbstractEventLoop, now: float, refused: Refused, keep: bool, url: bytes
    ) -> None:
        """Call `refused.refuse` with `keep` and `url` when it is due; `now` is the loop's time."""
        if not self._waiting:
            loop.call_later(SHED_SECONDS, self._refuse, loop)
        self._waiting.append((now + SHED_SECONDS, refused, keep, url))

    def _refuse(self, loop: asyncio.AbstractEventLoop) -> None:
        now, waiting = loop.time(), self._waiting
        while waiting and waiting[0][0] <= now:
            _, refused, keep, url = waiting.popleft()
            refused.refuse(keep, url, now)
        if waiting:
            loop.call_later(STEP_SECONDS, self._refuse, loop)
