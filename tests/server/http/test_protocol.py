"""When a connection is to be looked at again: what the worker's look, once a second, rests on."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from server.http.arrivals import Arrivals
from server.http.protocol import WholeRequests
from server.http.shared import Limits, State
from server.metrics.counters import Table

LIMITS = Limits(1000, 8, head_seconds=10.0, body_seconds=30.0, answer_seconds=20.0)
HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@contextmanager
def connected(loop: asyncio.AbstractEventLoop) -> Iterator[tuple[WholeRequests, socket.socket]]:
    """A connection as the server has it, and its client's end."""
    config, state = Config(lambda: None), ServerState()
    config.load()
    counters = Table(1).row(0)

    def protocol() -> WholeRequests:
        return WholeRequests(LIMITS, counters, State(Arrivals(1 << 20)), config, state, {}, loop)

    ours, theirs = socket.socketpair()
    with theirs:
        made = loop.create_connection(protocol, sock=ours)
        transport, connection = loop.run_until_complete(made)
        yield connection, theirs
        transport.abort()
        loop.run_until_complete(asyncio.sleep(0))


def test_a_connection_is_due_when_its_head_is_and_then_when_its_body_is(
    loop: asyncio.AbstractEventLoop,
) -> None:
    with connected(loop) as (connection, client):
        began = connection.waiting_since
        assert began is not None
        assert connection.tick(began) == began + LIMITS.head_seconds
        client.sendall(HEAD + b"{")
        loop.run_until_complete(asyncio.sleep(0.05))
        assert connection.tick(began) == began + LIMITS.body_seconds
        assert not connection.transport.is_closing()


def test_what_is_overdue_is_closed_and_never_due_again(loop: asyncio.AbstractEventLoop) -> None:
    with connected(loop) as (connection, _):
        assert connection.tick(loop.time() + LIMITS.head_seconds + 1) == inf
        assert connection.transport.is_closing()


def test_a_client_that_leaves_its_answer_is_due_by_that(loop: asyncio.AbstractEventLoop) -> None:
    with connected(loop) as (connection, client):
        client.sendall(HEAD + b"{")
        loop.run_until_complete(asyncio.sleep(0.05))
        connection.pause_writing()
        now = loop.time()
        assert now < connection.tick(now) <= now + LIMITS.answer_seconds
        connection.resume_writing()
        assert connection.tick(now) > now + LIMITS.answer_seconds


def test_an_idle_connection_is_due_when_it_has_been_kept_long_enough(
    loop: asyncio.AbstractEventLoop,
) -> None:
    with connected(loop) as (connection, client):
        connection.refuse(True, b"/score", now := loop.time())
        connection.waiting_since = None
        assert connection.tick(now) == now + connection.timeout_keep_alive
        assert client.recv(12) == b"HTTP/1.1 503"
        assert connection.tick(now + connection.timeout_keep_alive + 1) == inf
        assert connection.transport.is_closing()
