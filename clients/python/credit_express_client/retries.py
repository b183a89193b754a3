"""When a request is sent again, and after how long."""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

# The request was refused or never sent, so that it was certainly not scored.
NOT_SCORED = frozenset({429, 503})
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# A proxy lost the answer.
LOST = frozenset({502, 504})

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
        seconds = self._retry.first_wait * 2 ** (self._made - 1) if told is None else told
        seconds *= random.uniform(1, 1.25)  # noqa: S311 - no secret
        return seconds if time.monotonic() + seconds <= self._ends else None

    def _may_repeat(self, ended: Ended) -> bool:
        if isinstance(ended, httpx.Response):
            lost = self._repeatable and ended.status_code in LOST
            return lost or ended.status_code in NOT_SCORED
        if isinstance(ended, NOT_SENT):
            return True
        return self._repeatable and isinstance(ended, httpx.TransportError)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that Retry-After asks for: a number or a date (RFC 9110, 10.2.3)."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
