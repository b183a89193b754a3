"""Read what arrives on one connection: check heads, pass bodies on, decline upgrades."""

from collections.abc import Callable
from typing import Any, Protocol

from httptools import HttpParserError, HttpParserUpgrade

from . import rules
from .body import Body
from .fields import Fields
from .parsing import new_parser, without_offer
from .problem import Headers, Problem

NOT_HTTP = Problem(400, "Invalid HTTP request received.")
# Bytes given to the parser at a time, in a head and in a body: a parsed request that waits behind
# another takes a hundred times the memory of its bytes.
SMALL, LARGE = 1024, 64 * 1024
CONNECTION, EXPECT, HOST = b"connection", b"expect", b"host"


class Reader(Protocol):
    """The receiver of a request's events, in this order; none after `Incoming.is_deaf` is set."""

    def on_head(self) -> None:
        """Continue with a valid head."""

    def on_too_large(self) -> None:
        """Called for each piece of a body that exceeds `most_body`."""

    def on_whole(self) -> None:
        """Continue with a complete request."""

    def reject(self, problem: Problem) -> None:
        """Refuse data that are not a valid request, and read no more."""


class Incoming:
    """The request that is arriving, its body, and the parser.

    `came` is the size of the reads that hold a part of it; `backlog` is not yet parsed; `skips` is
    the number of bytes of a body that is not parsed; `keep`: the connection stays open, by the
    head; `expects`: the client waits to be invited to send the body; `has_ended`: a request ended
    in the last read.
    """

    __slots__ = (
        "_offers", "_reader", "_trailer_bytes", "_unbodied", "backlog", "body", "came", "expects",
        "fields", "has_ended", "headers", "in_body", "in_head", "is_deaf", "keep", "most_body",
        "parser", "skips", "url",
    )  # fmt: skip

    def __init__(self, reader: Reader, body: Body, most_body: int) -> None:
        self._reader, self.body, self.most_body = reader, body, most_body
        self.parser: Any = new_parser(self)
        self.url = self.backlog = b""
        self.headers: Headers = []
        self.fields: Fields = {}
        self.came = self.skips = self._trailer_bytes = self._unbodied = 0
        self.in_head = self.in_body = self.has_ended = False
        self.is_deaf = self.keep = self.expects = self._offers = False

    def is_under_way(self) -> bool:
        """Whether a request has begun and is not complete."""
        return self.in_head or self.in_body

    def method(self) -> bytes:
        """The method of the current request."""
        method: bytes = self.parser.get_method()
        return method

    def read(self, data: bytes, is_blocked: Callable[[], bool]) -> int:
        """Parse the data until blocked; return how much was parsed. The rest becomes backlog."""
        self.has_ended, count = False, len(data)
        self.came = self.came + count if self.in_head or self.in_body else count
        if count <= SMALL:
            self._feed(data)
            return count
        view, at = memoryview(data), 0
        while at < count and not (self.is_deaf or is_blocked()):
            part = view[at : at + (LARGE if self.in_body else SMALL)]
            self._feed(part)
            at += len(part)
        self.backlog = b"" if self.is_deaf else bytes(view[at:])
        return at

    def _feed(self, data: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as stop:
                data = memoryview(data)[stop.args[0] :]
                if not self.is_deaf:
                    self._decline()
                    continue
            except HttpParserError:
                if not self.is_deaf:
                    self._reader.reject(NOT_HTTP)
            return

    def bound_head(self, count: int) -> None:
        """Refuse a head or trailers that are already too long, though they have not ended."""
        self._unbodied += count
        if self._unbodied > rules.MOST_BYTES or self._is_head_too_long():
            self._reader.reject(rules.TOO_LONG)

    def skip(self, url: bytes, count: int) -> None:
        """Begin a body of `count` bytes that is not parsed."""
        self.url, self.skips, self.in_body = url, count, True

    def skipped(self, data: bytes) -> bytes:
        """Drop what belongs to that body; return the rest."""
        rest = data[self.skips :]
        self.skips -= len(data) - len(rest)
        self.in_body = self.skips > 0
        return rest

    def stop(self) -> None:
        """Read no more, and forget what arrived."""
        self.is_deaf, self.backlog = True, b""
        self.in_head = self.in_body = False

    def forget(self) -> None:
        """Release the head between requests: an idle connection costs only a socket."""
        self.headers, self.fields = [], {}

    def close(self) -> None:
        """Release parser and reader, which refer back to this, so that no garbage cycle remains."""
        self.is_deaf, self.parser, self._reader = True, None, None  # type: ignore[assignment]

    def _decline(self) -> None:
        """Parse the head again without its offer of another protocol; the body follows it."""
        head = without_offer(self.parser, self.url, self.headers)
        self.parser, self._offers = new_parser(self), False
        self._feed(head)

    def on_message_begin(self) -> None:
        """Begin a request; the parser calls this and the following methods."""
        if not self.is_deaf:
            self.url, self.headers, self.expects = b"", [], False
            self.in_head = True
            self.body.count, self.body.drops = 0, None
            self._trailer_bytes = self._unbodied = 0

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field; one after the body is dropped (RFC 9110, 6.5.1)."""
        if self.in_head:
            self.headers.append((name.lower(), value))
        else:
            self._trailer_bytes += rules.size(name, value)
            if not self.parser.should_keep_alive():  # the parser has read that and stops
                self.keep = False

    def on_headers_complete(self) -> None:
        """Check the head."""
        if self.is_deaf:
            return
        if self.parser.should_upgrade():
            self._on_offer()
            return
        self.in_head, self.in_body = False, True
        try:
            self._check_head()
        except Problem as problem:
            self._reader.reject(problem)
        else:
            self._reader.on_head()

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body."""
        if not self.is_deaf:
            self.body.add(body)
            if self.body.count > self.most_body:
                self._reader.on_too_large()

    def on_message_complete(self) -> None:
        """Pass the request on, unless its trailers are too long."""
        if self._offers or self.is_deaf:
            return
        if self._trailer_bytes and self._is_head_too_long():
            self._reader.reject(rules.TOO_LONG)
            return
        self.in_body, self.has_ended = False, True
        self._reader.on_whole()

    def _on_offer(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            self._reader.reject(Problem(405, "CONNECT: this is no proxy"))
        else:
            self._offers = True

    def _check_head(self) -> None:
        headers = self.headers
        is_short = self.came <= rules.MOST_BYTES and len(headers) <= rules.MOST_FIELDS
        if not is_short and self._is_head_too_long():
            raise rules.TOO_LONG
        self.fields = fields = dict(headers)
        if len(fields) != len(headers):
            self.fields = fields = rules.combined(headers)
            headers[:] = fields.items()
        keep = self.parser.should_keep_alive()
        # Cheaper than asking the parser for the version: it keeps connections alive only for 1.1.
        is_plain = keep and CONNECTION not in fields
        version = "1.1" if is_plain else self.parser.get_http_version()
        if not (is_plain and HOST in fields and rules.CODING not in fields):
            rules.check(version, fields)
        self.keep = keep and version == "1.1"
        if EXPECT in fields and version == "1.1":
            self.expects = fields[EXPECT].lower() == b"100-continue"

    def _is_head_too_long(self) -> bool:
        headers = self.headers
        if len(headers) > rules.MOST_FIELDS:
            return True
        size = len(self.url) + sum(rules.size(*field) for field in headers)
        return size + self._trailer_bytes > rules.MOST_BYTES
