"""When a request is sent again, and after how long."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

PROBLEM = "application/problem+json"
# The request was never sent, so that it was certainly not scored.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# A proxy lost the answer, or may have: some say 503 of a connection that broke.
LOST = frozenset({502, 503, 504})

MOST_DOUBLED = 100  # far beyond any patience, and a float

Ended = httpx.Response | httpx.RequestError


@dataclass(frozen=True)
class Retry:
    """Send a request up to `attempts` times, the last at most `patience` seconds after the first.

    Between attempts is what Retry-After says, else `first_wait` seconds, doubled each time; up to
    a quarter is added at random, so that clients do not come back all at once.
    """

    attempts: int = 4
    patience: float = 10.0
    first_wait: float = 0.1


class Attempts:
    """The attempts of one request; `repeatable`: answered twice, it counts as one."""

    def __init__(self, retry: Retry, repeatable: bool) -> None:
        self._retry = retry
        self._repeatable = repeatable
        self._made = 0
        self._ends = time.monotonic() + retry.patience

    def wait(self, ended: Ended) -> float | None:
        """Return the seconds until the next attempt; None if there is none."""
        self._made += 1
        if self._made >= self._retry.attempts or not self._may_repeat(ended):
            return None
        told = retry_after(ended) if isinstance(ended, httpx.Response) else None
        doubled = self._retry.first_wait * 2.0 ** min(self._made - 1, MOST_DOUBLED)
        seconds = doubled if told is None else told
        seconds *= random.uniform(1, 1.25)  # noqa: S311 - no secret
        return seconds if time.monotonic() + seconds <= self._ends else None

    def _may_repeat(self, ended: Ended) -> bool:
        if isinstance(ended, httpx.Response):
            lost = self._repeatable and ended.status_code in LOST
            return lost or was_refused(ended)
        if isinstance(ended, NOT_SENT):
            return True
        return self._repeatable and isinstance(ended, httpx.TransportError)


def was_refused(response: httpx.Response) -> bool:
    """Whether a response says that the request was certainly not scored, and may come again.

    A 503 does if the server itself says so, or whoever says when to come again.
    """
    fields = response.headers
    by_server = fields.get("content-type", "").startswith(PROBLEM) or "retry-after" in fields
    return response.status_code == 429 or (response.status_code == 503 and by_server)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that Retry-After asks for: a number or a date (RFC 9110, 10.2.3)."""
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said)
    try:
        date = parsedate_to_datetime(said)
        at = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
