"""One call: its message as it arrives, and where its answer goes."""

from typing import Protocol

from ..http.arrivals import Arrivals, Share
from ..http.bare import CROWDED
from ..http.fields import Fields
from ..http.message import Answer
from ..http.problem import Problem
from .framing import declared, message_of, too_large


class Replies(Protocol):
    """The connection of a call."""

    def answer(self, call: "Call", answer: Answer) -> None:
        """Prepare the answer to be sent by `flush`."""

    def refuse(self, call: "Call", problem: Problem) -> None:
        """Answer at once that the call is refused."""

    def flush(self) -> None:
        """Send what was prepared."""


class Call:
    """A call on a stream of a connection; `since` is the loop's time when it began.

    `is_gone`: its client waits for it no longer.
    """

    __slots__ = (
        "_data",
        "_replies",
        "fields",
        "is_gone",
        "is_whole",
        "path",
        "share",
        "since",
        "stream",
    )

    def __init__(
        self, replies: Replies, arrivals: Arrivals, stream: int, fields: Fields, since: float
    ) -> None:
        self._replies = replies
        self.stream, self.fields, self.since = stream, fields, since
        self.path = fields.get(b":path", b"")
        self.share = Share(arrivals, self)
        self.is_gone = self.is_whole = False
        self._data = bytearray()

    def add(self, data: bytes, is_last: bool, most: int) -> None:
        """Add a part of the message; raises Problem 400, 413 as soon as it is too long."""
        self._data += data
        wanted = declared(self._data)
        if wanted and len(self._data) > wanted:
            raise Problem(400, "call: wanted one message, got more")
        if wanted > most + 5:
            raise too_large(most)
        if not is_last:
            self.share.hold(len(data))

    def message(self, most: int) -> bytes:
        """Return the whole message; raises Problem 400, 413."""
        data, self._data = self._data, bytearray()
        return message_of(data, self.fields.get(b"grpc-encoding", b"identity"), most)

    def finish(self, answer: Answer, keep: bool) -> bytes:
        """See group_commit.Client; the connection sends the answers of all its calls at once."""
        self._replies.answer(self, answer)
        return b""

    def send(self, data: bytes) -> None:
        """See group_commit.Client."""
        self._replies.flush()

    def give_up(self) -> None:
        """See arrivals.Arriving."""
        self._replies.refuse(self, CROWDED)
