"""A cache of parsed heads: clients on kept connections send the same bytes again and again.

Nothing is parsed here. The parser's result holds for the same bytes and the same length of body;
any other head goes to the parser.
"""

from typing import Any

import msgspec

from .endpoint import Handler
from .fields import DEADLINE, Fields
from .message import LENGTH

END = b"\r\n\r\n"
MOST_BYTES, MOST_HEADS = 1024, 1024  # largest head in bytes; most heads kept
# These fields have a new value in each request.
NEVER_AGAIN = frozenset({b"x-request-id", b"traceparent", DEADLINE})


class Head(msgspec.Struct, frozen=True, gc=False):
    """The parser's result for a head: the connection stays open, and the handler is known.

    `terms` are the handler's for it; see endpoint.Handler.
    """

    url: bytes
    path: str
    fields: Fields
    handler: Handler
    body_length: int
    terms: Any = None


class Heads:
    """A worker's known heads, by their bytes; all are forgotten when there are too many."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self._terms: dict[object, Any] = {}  # by handler and fields but for the length

    def request(self, data: bytes) -> tuple[bytes, int] | None:
        """Return target and length of the request that the data begin with, if its head is
        known.
        """
        end = data.find(END, 0, MOST_BYTES) + len(END)
        head = self._known.get(data[:end])
        return None if head is None else (head.url, end + head.body_length)

    def of(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return head and body if the data are one complete request with a known head."""
        end = data.find(END, 0, MOST_BYTES) + len(END)
        head = self._known.get(data[:end])
        if head is None or len(data) - end != head.body_length:
            return None
        return head, data[end:]

    def learn(self, data: bytes, head: Head) -> None:
        """Remember the head of the data, if they are only it and its body."""
        end = len(data) - head.body_length
        is_one = data.startswith(b"POST ") and data.find(END, 0, MOST_BYTES) + len(END) == end
        if is_one and NEVER_AGAIN.isdisjoint(head.fields):
            if len(self._known) >= MOST_HEADS:
                self._known.clear()
                self._terms.clear()
            self._known[data[:end]] = msgspec.structs.replace(head, terms=self._terms_of(head))

    def _terms_of(self, head: Head) -> Any:
        """Return the handler's terms, one object for all heads that differ in length only."""
        fields = head.fields
        key = (head.handler, *sorted((name, fields[name]) for name in fields if name != LENGTH))
        if key not in self._terms:
            self._terms[key] = head.handler.terms(fields)
        return self._terms[key]
