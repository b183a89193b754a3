"""The HTTP parser, which is to read on where it would hand the connection to another protocol.

httptools stops behind the head of a request that offers an upgrade and has no way to decline. A
server that takes none up reads the body as its length says (RFC 9110, 7.8): so the head is read
again without the offer, by a new parser.
"""

from httptools import HttpRequestParser

UPGRADE = b"upgrade"


def new_parser(protocol: object) -> HttpRequestParser:
    """Return a parser that goes on behind a request that closes, as uvicorn's does."""
    parser = HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def without_offer(
    parser: HttpRequestParser, url: bytes, headers: list[tuple[bytes, bytes]]
) -> bytes:
    """Return the head that the parser has just read, without its offer."""
    line = b"%b %b HTTP/%b\r\n" % (parser.get_method(), url, parser.get_http_version().encode())
    fields = [b"%b: %b\r\n" % field for field in headers if field[0] != UPGRADE]
    return b"".join([line, *fields, b"\r\n"])
