"""The access log: one JSON line per request on stdout, never with a feature value.

With a share below 1, every n-th answered request and every error gets a line.
"""

import os
from functools import lru_cache
from time import time_ns

import msgspec

from ..record.line import timestamp

STDOUT = 1
PATH_SHOWN = 500  # of a path: keeps lines below PIPE_BUF (4096), so that workers' lines do not mix
LINE = b'{"time":"%b","event":"request","request_id":%b,%b,"status":%d%b,"us":%d}\n'
TRACED = b',"traceparent":"%b"'
encode = msgspec.json.encode


class AccessLog:
    """Writes the lines of one worker."""

    def __init__(self, share: float) -> None:
        self._share, self.is_off = share, share == 0
        self._due = 0.0
        self.lost = 0

    def write(
        self, request_id: str, method: str, path: str, status: int, seconds: float, trace: bytes
    ) -> None:
        """Write one line, or count it as left out by sampling."""
        if self._share != 1 and not self._is_due(status):
            return
        more = TRACED % trace if trace else b""
        where = target(method, path[:PATH_SHOWN])
        time = timestamp(time_ns()).encode()
        said = (time, encode(request_id), where, status, more, seconds * 1e6)
        try:
            os.write(STDOUT, LINE % said)
        except OSError:  # a full disk at stdout must not lose an answer
            self.lost += 1

    def _is_due(self, status: int) -> bool:
        if status >= 400:
            return self._share > 0
        self._due += self._share
        if self._due < 1:
            return False
        self._due -= 1
        return True


@lru_cache(maxsize=64)
def target(method: str, path: str) -> bytes:
    """Return method and path, encoded; few of them make up nearly all requests."""
    return b'"method":%b,"path":%b' % (encode(method), encode(path))
