"""The fast path: a score answered inside the protocol, in one write and without ASGI.

It handles the usual request: POST to a known path, with a content length, on a connection with no
other open request. All others go to ASGI unchanged. The handler is the same.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from time import perf_counter

import uvicorn

from .cost import APPLICANT
from .endpoint import Handler
from .fields import Fields
from .group_commit import Asked, Client, GroupCommit
from .heads import Head, Heads
from .message import LENGTH, Answer, Request, lines
from .problem import Headers

# It replaces private parts of uvicorn; these are the versions it was checked against.
KNOWN_UVICORN = "0.54."
STATUS_LINE: dict[int, bytes] = {
    each: b"HTTP/1.1 %d %b" % (each, each.phrase.encode()) for each in HTTPStatus
}
OK = STATUS_LINE[200] + b"\r\n"
NOT_YET = Answer("", 0, [], b"")
# Fields that need ASGI; an answer stored for a key is committed by itself.
SPECIAL = frozenset({b"transfer-encoding", b"expect", b"idempotency-key"})
HEAD_END = b"\r\n\r\n"


class FastPath:
    """A worker's fast path: `handlers` by path, as it is in the request line."""

    def __init__(self, handlers: Mapping[bytes, Handler], group_commit: GroupCommit) -> None:
        self._handlers = handlers
        self._group_commit = group_commit
        self.heads = Heads()
        self.finish = group_commit.finish
        self.connected, self.go_first = group_commit.connected, group_commit.go_first
        self._own: Headers = []
        self._opening = b""

    def handler(self, method: bytes, url: bytes, fields: Fields) -> Handler | None:
        """Return the handler for a request with this head, or None if it must go to ASGI."""
        fits = method == b"POST" and LENGTH in fields and SPECIAL.isdisjoint(fields)
        return self._handlers.get(url) if fits else None

    def ask(
        self, loop: asyncio.AbstractEventLoop, client: Client, head: Head, body: bytes, keep: bool
    ) -> None:
        """Queue a request to be answered; see group_commit.Asked."""
        known, now = head.terms, perf_counter()
        request = Request("POST", head.path, head.url, b"", head.fields, body, now, known)
        terms = known if body and body[0] in APPLICANT else None
        self._group_commit.add(loop, Asked(request, NOT_YET, head.handler, client, keep, terms))

    def whole(self, own: Headers, answer: Answer, close: bytes) -> bytes:
        """Return an answer as uvicorn would write it in two parts, with the server's `own` fields
        first.
        """
        if not answer.written:
            return whole(answer.status, own + answer.head, answer.body, close)
        if own is not self._own:  # uvicorn makes them anew once a second
            self._own = own
            self._opening = b"".join([OK, *(b"%b: %b\r\n" % field for field in own)])
        data = self._opening + answer.written
        return data.replace(HEAD_END, b"\r\n%b\r\n" % close, 1) if close else data


def whole(status: int, head: Headers, body: bytes, close: bytes) -> bytes:
    """Return an answer with all its fields."""
    last = b"content-length: %d\r\n%b" % (len(body), close)
    return b"\r\n".join([STATUS_LINE[status], lines(head), last, body])


def is_known(version: str = uvicorn.__version__) -> bool:
    """Whether the fast path was tested with this version of uvicorn."""
    return version.startswith(KNOWN_UVICORN)
