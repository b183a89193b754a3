"""The end of a connection: a client that is still sending sees no reset."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from server.http.closing import LINGER_SECONDS, Closing


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@contextmanager
def connected(loop: asyncio.AbstractEventLoop) -> Iterator[tuple[asyncio.Transport, socket.socket]]:
    """The server's end of a connection, and its client."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with theirs:
        made = loop.create_connection(asyncio.Protocol, sock=ours)
        transport, _ = loop.run_until_complete(made)
        yield transport, theirs
        transport.abort()
        loop.run_until_complete(asyncio.sleep(0))


def test_the_client_reads_the_end_and_may_send_on_for_a_while(
    loop: asyncio.AbstractEventLoop,
) -> None:
    with connected(loop) as (transport, client):
        closing, flow = Closing(), FlowControl(transport)
        flow.pause_reading()
        before = loop.time()
        closing.part(loop, transport, flow)
        assert closing.has_parted
        assert client.recv(1) == b""
        client.sendall(b"still sending")
        assert not transport.is_closing()
        assert not flow.read_paused
        while not transport.is_closing():
            loop.run_until_complete(asyncio.sleep(0.05))
        assert loop.time() >= before + LINGER_SECONDS


def test_a_client_that_sends_no_more_is_closed_at_once(loop: asyncio.AbstractEventLoop) -> None:
    with connected(loop) as (transport, _):
        closing = Closing(has_ended=True)
        closing.part(loop, transport, FlowControl(transport))
        assert transport.is_closing()


def test_to_part_twice_is_to_part_once(loop: asyncio.AbstractEventLoop) -> None:
    with connected(loop) as (transport, client):
        closing, flow = Closing(), FlowControl(transport)
        closing.part(loop, transport, flow)
        closing.part(loop, transport, flow)
        assert client.recv(1) == b""
        assert not transport.is_closing()
        closing.cancel()
