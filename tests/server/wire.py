"""Requests as bytes, and what comes back over a socket of our own."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.conftest import Running

FIT = {"AGE": 40, "INCOME": 1000.5, "DEBT-RATIO": 0.5, "KIND": "car", "REGION": 2}
BODY = json.dumps(FIT).encode()
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TYPE = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
ID = b"X-Request-Id: one\r\n"
FIELDS = b"Host: x\r\n" + ID + b"Content-Type: application/json\r\n"
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEAD = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)
KNOWN = HEAD + BODY
STATUS = re.compile(rb"HTTP/1\.1 (\d+)")


def request(fields: bytes, path: bytes = b"/score", version: bytes = b"1.1") -> bytes:
    return b"POST %b HTTP/%b\r\n%b\r\n%b" % (path, version, fields, BODY)


def chunked(trailers: bytes, fields: bytes = TYPE, path: bytes = b"/score") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%b\r\n" % (path, fields)
    return head + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(BODY), BODY, trailers)


def scoring(
    body: bytes = BODY, more: str = "", path: str = "/score", version: str = "1.1"
) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    line = f"POST {path} HTTP/{version}\r\n".encode()
    fields = FIELDS.replace(ID, b"") if "X-Request-Id" in more else FIELDS
    return line + fields + more.encode() + length + b"\r\n" + body


def sender(port: int, data: bytes, receives: int | None = None) -> socket.socket:
    connection = socket.socket()
    if receives:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    connection.connect(("127.0.0.1", port))
    connection.sendall(data)
    connection.settimeout(60)
    return connection


@contextmanager
def senders(port: int, data: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Connections that have sent data, closed at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(sender(port, data)) for _ in range(count)]


def raw(server: Running, data: bytes) -> bytes:
    """Send bytes and return everything that comes back until the server closes."""
    with sender(server.port, data) as connection:
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def conversation(server: Running, *pieces: bytes) -> bytes:
    """Send each piece by itself and return what came back until the server closed."""
    with sender(server.port, b"") as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.03)
        got = b""
        while part := connection.recv(65536):
            got += part
    return got


def statuses(answer: bytes) -> list[int]:
    return [int(each) for each in STATUS.findall(answer) if each != b"100"]
