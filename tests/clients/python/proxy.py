"""A proxy in front of a server that loses answers, or answers itself, as often as it is told."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

from tests.conftest import Running

Mishap = Literal["lose"] | int | bytes


class Proxy(ThreadingHTTPServer):
    """`mishaps` are what becomes of the first requests: a lost answer, a status of the proxy's
    own with a time to come again, or a whole answer as bytes.
    """

    def __init__(self, server: Running, mishaps: Sequence[Mishap]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = server.url
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.mishaps = list(mishaps)
        self.seen: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Passes a request on, and its answer back."""

    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.seen.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mishap = self.server.mishaps.pop(0) if self.server.mishaps else None
        if isinstance(mishap, int):
            return self.answer(mishap, {"Retry-After": "0"}, b"<h1>the proxy's own page</h1>")
        if isinstance(mishap, bytes):
            self.close_connection = True
            self.wfile.write(mishap)
            return None
        head = {name: value for name, value in self.headers.items() if name != "Host"}
        answer = httpx.post(self.server.behind + self.path, content=body, headers=head)
        if mishap == "lose":
            self.close_connection = True
            return None
        return self.answer(answer.status_code, dict(answer.headers), answer.content)

    def answer(self, status: int, head: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in (head | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxy(server: Running, *mishaps: Mishap) -> Iterator[Proxy]:
    with Proxy(server, mishaps) as up:
        thread = threading.Thread(target=up.serve_forever)
        thread.start()
        try:
            yield up
        finally:
            up.shutdown()
            thread.join()
