"""When a connection is to be looked at again: what the worker's look, once a second, rests on."""

import asyncio
import gc
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from server.http.arrivals import Arrivals
from server.http.in_flight import InFlight
from server.http.limits import Limits
from server.http.protocol import Connection
from server.http.shared import State
from server.metrics.counters import Table
from tests.server.stand_in import ROOT, answered, app, made

LIMITS = Limits(
    1000, head_seconds=10.0, body_seconds=30.0, answer_seconds=20.0, keep_alive_seconds=5.0
)
HEAD = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@contextmanager
def connected(loop: asyncio.AbstractEventLoop) -> Iterator[tuple[Connection, socket.socket]]:
    """A connection as the server has it, and its client's end."""
    config, state = Config(app, log_config=None), ServerState()
    config.load()
    counters, shared = Table(1).row(0), State(Arrivals(1 << 20), InFlight(8))

    def protocol() -> Connection:
        return Connection(LIMITS, counters, shared, None, config, state, {}, loop)

    with made(loop, protocol) as pair:
        yield pair


def test_a_connection_is_due_when_its_head_is_and_then_when_its_body_is(
    loop: asyncio.AbstractEventLoop,
) -> None:
    with connected(loop) as (connection, client):
        began = connection.tick(0) - LIMITS.head_seconds
        assert abs(began - loop.time()) < LIMITS.head_seconds
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
        client.sendall(ROOT)
        client.setblocking(False)
        loop.run_until_complete(answered(client))
        due = connection.tick(now := loop.time())
        assert now < due <= now + LIMITS.keep_alive_seconds
        assert connection.tick(due + 1) == inf
        assert connection.transport.is_closing()


def test_a_connection_that_is_closed_is_freed_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """It waits for no collector: under many short connections they would pile up."""
    gc.collect()
    gc.disable()
    try:
        with connected(loop) as (connection, client):
            client.sendall(ROOT)
            client.setblocking(False)
            loop.run_until_complete(answered(client))
            seen = weakref.ref(connection)
            del connection
        loop.run_until_complete(asyncio.sleep(0))
        assert seen() is None
    finally:
        gc.enable()
