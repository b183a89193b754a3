"""What comes on one connection, read: heads held to their rules, bodies handed on, no upgrades."""

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from . import rules
from .fields import Fields
from .parsing import new_parser, without_offer
from .problem import Problem

NOT_HTTP = "Invalid HTTP request received."
# Of what came at once, the parser is given so much at a time in a head and in a body: a request
# that is queued behind another takes a hundred times the memory of its bytes.
SMALL, LARGE = 1024, 64 * 1024
CONNECTION, EXPECT, HOST = b"connection", b"expect", b"host"


class Reading(HttpToolsProtocol):
    """The parser's side of a connection."""

    __slots__ = (
        "_backlog", "_body_bytes", "_came", "_fields", "_in_body", "_in_head", "_is_deaf",
        "_keep", "_offers", "_trailer_bytes", "_unbodied",
    )  # fmt: skip

    def _begin(self) -> None:
        """Set what belongs to the message in hand."""
        self._backlog = b""  # not yet parsed, behind a request that is queued
        self._fields: Fields = {}
        self._came = 0  # in the reads that hold a part of it, at most
        self._trailer_bytes = self._body_bytes = self._unbodied = 0
        self._in_head = self._in_body = False
        self._is_deaf = False  # nothing that comes is read any more
        self._offers = False  # another protocol, by the head just read
        self._keep = False  # the connection, by the head

    def _feed_in_parts(self, data: bytes) -> int:
        """Give the parser what came, until a request waits; returns how much that was."""
        view, at = memoryview(data), 0
        while at < len(data) and not (self._is_deaf or self.pipeline or self.flow.write_paused):
            part = view[at : at + (LARGE if self._in_body else SMALL)]
            self._feed(part)
            at += len(part)
        self._backlog = b"" if self._is_deaf else bytes(view[at:])
        return at

    def _feed(self, rest: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(rest)
            except HttpParserUpgrade as stop:
                rest = memoryview(rest)[stop.args[0] :]
                if not self._is_deaf:
                    self._decline()
                    continue
            except HttpParserError:
                self.send_400_response(NOT_HTTP)
            return

    def _decline(self) -> None:
        """Read the head again without the offer of another protocol; the body follows it."""
        head = without_offer(self.parser, self.url, self.headers)
        self.parser, self._offers = new_parser(self), False
        self._feed(head)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field; one behind the body is dropped (RFC 9110, 6.5.1)."""
        if self._in_head:
            self.headers.append((name.lower(), value))
        else:
            self._trailer_bytes += rules.size(name, value)
            if not self.parser.should_keep_alive():  # it has read that, and will read no more
                self._keep = False

    def on_headers_complete(self) -> None:
        """Hold the head to the rules."""
        if self._is_deaf:
            return
        if self.parser.should_upgrade():
            self._on_offer()
            return
        self._in_head, self._in_body = False, True
        try:
            self._check_head()
        except Problem as problem:
            self._reject(problem)
        else:
            self._on_head()

    def _on_offer(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            self._reject(Problem(405, "CONNECT: this is no proxy"))
        else:
            self._offers = True

    def _check_head(self) -> None:
        headers = self.headers
        is_short = self._came <= rules.MOST_BYTES and len(headers) <= rules.MOST_FIELDS
        if not is_short and self._is_head_too_long():
            raise rules.TOO_LONG
        self._fields = fields = dict(headers)
        if len(fields) != len(headers):
            self._fields = fields = rules.combined(headers)
            headers[:] = fields.items()
        keep = self.parser.should_keep_alive()
        # The parser keeps what is 1.1 and says nothing of it: to ask for the version costs more.
        is_plain = keep and CONNECTION not in fields
        version = "1.1" if is_plain else self.parser.get_http_version()
        if not (is_plain and HOST in fields and rules.CODING not in fields):
            rules.check(version, fields)
        self._keep = keep and version == "1.1"
        if EXPECT in fields and version == "1.1":
            self.expect_100_continue = fields[EXPECT].lower() == b"100-continue"

    def _is_head_too_long(self) -> bool:
        headers = self.headers
        if len(headers) > rules.MOST_FIELDS:
            return True
        size = len(self.url) + sum(rules.size(*field) for field in headers)
        return size + self._trailer_bytes > rules.MOST_BYTES

    def _bound_head(self, count: int) -> None:
        """Refuse a head that is too long already, or trailers: of both, this is not the end."""
        self._unbodied += count
        if self._unbodied > rules.MOST_BYTES or self._is_head_too_long():
            self._reject(rules.TOO_LONG)

    def _on_head(self) -> None:
        """Go on with a head that is as it has to be."""
        raise NotImplementedError

    def _reject(self, problem: Problem) -> None:
        """Read no more; answer once all that came before is answered."""
        raise NotImplementedError
