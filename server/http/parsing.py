"""The HTTP parser, made to read on where it would switch to another protocol.

httptools stops after the head of a request that offers an upgrade, and has no way to decline. A
server that ignores the offer reads the body by its length (RFC 9110, 7.8). So the head is parsed
again without the offer, by a new parser.
"""

from httptools import HttpRequestParser

UPGRADE = b"upgrade"


def new_parser(protocol: object) -> HttpRequestParser:
    """Return a parser that continues after a request that closes, as uvicorn's does."""
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
