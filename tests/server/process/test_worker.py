"""The stop of a worker, in this process: a loop that is late reads before it closes."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop
from uvicorn.config import Config

from server.http.limits import limits
from server.http.protocol import Connection
from server.http.shared import state
from server.metrics.counters import Table
from server.process.worker import IDLE_SECONDS, Hooks, Worker
from server.settings import Settings
from tests.server.stand_in import ROOT, answered, app, made


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop of a worker."""
    made = uvloop.new_event_loop()
    yield made
    made.close()


def settings(**more: float) -> Settings:
    return Settings(model=Path("unused"), **more)  # type: ignore[arg-type]


@contextmanager
def connected(
    loop: asyncio.AbstractEventLoop, settings: Settings, accepts_no_more: Callable[[], Any]
) -> Iterator[tuple[Worker, socket.socket]]:
    """A worker, and the client's end of a connection that has had an answer."""
    config = Config(app, log_config=None, lifespan="off")
    config.load()
    shared, counters = state(settings), Table(1).row(0)
    hooks = Hooks(lambda: None, lambda: None, shared, lambda: None, accepts_no_more)
    worker = Worker(config, settings, hooks)
    worker.lifespan, worker.servers = config.lifespan_class(config), []

    def protocol() -> Connection:
        return Connection(
            limits(settings), counters, shared, None, config, worker.server_state, {}, loop
        )

    with made(loop, protocol) as (_, client):
        client.sendall(ROOT)
        client.setblocking(False)
        loop.run_until_complete(answered(client))
        yield worker, client


def test_what_came_while_the_worker_was_held_up_is_answered_before_it_closes(
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Held up between a look at the sockets and the end of the time for a last request."""
    held_up, trigger = socket.socketpair()
    drains = partial(trigger.send, b".")
    with held_up, trigger, connected(loop, settings(), drains) as (worker, client):

        def hold_up() -> None:
            loop.remove_reader(held_up)
            client.sendall(ROOT)
            time.sleep(1.2 * IDLE_SECONDS)

        loop.add_reader(held_up, hold_up)
        loop.run_until_complete(worker.shutdown([]))
        loop.run_until_complete(answered(client))


def test_a_held_up_worker_closes_no_idle_connection_that_has_sent_meanwhile(
    loop: asyncio.AbstractEventLoop,
) -> None:
    kept = settings(keep_alive_seconds=0.1)
    with connected(loop, kept, lambda: None) as (worker, client):
        loop.run_until_complete(worker.on_tick(1))
        client.sendall(ROOT)
        time.sleep(2 * kept.keep_alive_seconds)
        loop.run_until_complete(worker.on_tick(0))
        loop.run_until_complete(answered(client))
        time.sleep(2 * kept.keep_alive_seconds)
        loop.run_until_complete(worker.on_tick(1))
        loop.run_until_complete(worker.on_tick(0))
        assert loop.run_until_complete(loop.sock_recv(client, 1)) == b""
