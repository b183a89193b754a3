"""Limits: servers that read the body and answer a constant; no HTTP server can be faster.

example: python -m bench.limits protocol --port 8001
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import httptools
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = b'{"request_id":"00000000000000000000000000000000","probability":0.12345678901234567}'
TYPE = b"application/json"
KINDS = ("starlette", "asgi", "protocol", "own_fast_path", "own_asgi_path")
WHOLE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (TYPE, len(ANSWER))
) + ANSWER  # fmt: skip


async def endpoint(request: Request) -> Response:
    """Read the body and answer, as Starlette's documentation shows."""
    await request.body()
    return Response(ANSWER, media_type="application/json")


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Read the body and answer, in plain ASGI."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", TYPE), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


class Bare(asyncio.Protocol):
    """Read the body and answer in the protocol itself: httptools and one write."""

    def connection_made(self, transport: Any) -> None:
        """Create the parser."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer."""
        self._transport.write(WHOLE)


def serve_uvicorn(app: Any, port: int) -> None:
    """Serve with the same settings as this server."""
    uvicorn.run(
        app, port=port, loop="uvloop", http="httptools", ws="none", lifespan="off",
        access_log=False, server_header=False, proxy_headers=False, log_level="error",
    )  # fmt: skip


async def serve_bare(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port)
    await server.serve_forever()


def main(arguments: Sequence[str]) -> None:
    """Serve one limit."""
    parser = argparse.ArgumentParser("python -m bench.limits", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args(arguments)
    if chosen.kind == "protocol":
        uvloop.run(serve_bare(chosen.port))
    elif chosen.kind == "asgi":
        serve_uvicorn(asgi, chosen.port)
    elif chosen.kind.startswith("own"):
        from . import own  # this server: the other limits hold none of it

        own.serve(chosen.port, chosen.kind == "own_fast_path")
    else:
        routes = [Route("/score", endpoint, methods=["POST"])]
        serve_uvicorn(Starlette(routes=routes), chosen.port)


if __name__ == "__main__":
    main(sys.argv[1:])
