"""Requests refused on one connection for lack of room, answered in the order they came."""

import asyncio
from functools import lru_cache
from math import inf

import msgspec

from ..metrics.counters import AT, Counters
from .bare import SHED, is_oip
from .rejection import endpoint_of
from .shedding import SOON_SECONDS, Refused, Shedding

SHEDS = AT["plain", "shed"]


class Refusals(msgspec.Struct):
    """`owed` are not yet sent: a client that retries soon is refused a little later."""

    _shedding: Shedding
    _counters: Counters
    owed: int = 0
    _told_at: float = -inf

    def owe(
        self, loop: asyncio.AbstractEventLoop, refused: Refused, keep: bool, url: bytes
    ) -> None:
        """Have `refused.refuse` called, now or later."""
        self.owed += 1
        now = loop.time()
        if now - self._told_at < SOON_SECONDS:
            self._shedding.add(loop, now, refused, keep, url)
        else:
            refused.refuse(keep, url, now)

    def tell(self, url: bytes, now: float) -> dict[bool, bytes]:
        """Count one refusal as sent; return its bytes, by whether the connection stays open."""
        at, answers = refusal(url)
        self.owed -= 1
        self._told_at = now
        row = self._counters.row
        row[SHEDS] += 1
        row[at] += 1
        return answers


@lru_cache(maxsize=64)
def refusal(url: bytes) -> tuple[int, dict[bool, bytes]]:
    """Return the counter of a shed request, and its answers, by whether the connection stays."""
    answers = {keep: SHED[keep, is_oip(url)] for keep in (True, False)}
    return AT["requests", endpoint_of(url), 503], answers
