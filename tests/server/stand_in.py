"""A connection as the server has it, without the server: its application, and its client's end."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from server.http.protocol import Connection

ROOT = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def app(_: Any, receive: Any, send: Any) -> None:
    """Answer with nothing."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def answered(client: socket.socket) -> None:
    """Wait until the answer has come."""
    assert (await asyncio.get_running_loop().sock_recv(client, 100)).startswith(b"HTTP/1.1 204")


@contextmanager
def made(
    loop: asyncio.AbstractEventLoop, protocol: Callable[[], Connection]
) -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and its client's end."""
    ours, theirs = socket.socketpair()
    with theirs:
        transport, connection = loop.run_until_complete(loop.create_connection(protocol, sock=ours))
        yield connection, theirs
        transport.abort()
        loop.run_until_complete(asyncio.sleep(0))
