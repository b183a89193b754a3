"""One connection: HTTP/2 by h2, and the calls on its streams.

It joins the worker's other connections: the same limits, queue, drain and counters. A call is
answered when it is whole, so a slow client costs no task.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any

import msgspec
from h2 import events
from h2.config import H2Configuration
from h2.connection import (
    ConnectionInputs,
    ConnectionState,
    H2Connection,
    H2ConnectionStateMachine,
)
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame
from uvicorn.server import ServerState

from ..http.fields import Fields
from ..http.limits import Limits
from ..http.message import Answer
from ..http.problem import Headers, Problem
from ..http.rules import MOST_BYTES, combined
from ..metrics.counters import AT
from .call import Call
from .framing import framed
from .methods import Health
from .service import Service
from .trailers import HEAD, OK, UNAVAILABLE, trailers

CONFIG = H2Configuration(client_side=False, header_encoding=None)
MOST_STREAMS = 100  # calls at once on one connection; a client keeps others until one has ended
FRAME_BYTES = 256 * 1024
LARGEST_ID = 2**31 - 1
CONNECTIONS, TIMEOUTS = AT["plain", "connections"], AT["plain", "timeouts"]
WATCH_SECONDS = 1.0
STOPPED = [(b"grpc-status", b"%d" % UNAVAILABLE), (b"grpc-message", b"the server stops")]


# A client's GOAWAY is for h2 the end; but its open calls go on (RFC 9113, 6.8).
TRANSITIONS = {
    **H2ConnectionStateMachine._transitions,
    (ConnectionState.SERVER_OPEN, ConnectionInputs.RECV_GOAWAY): (
        None, ConnectionState.SERVER_OPEN,
    ),
}  # fmt: skip


class Unsent(msgspec.Struct):
    """What the client's window has no room for yet; `since` is when that began."""

    data: bytes
    tail: Headers
    since: float


class Connection(asyncio.Protocol):
    """A client's connection; `service` answers its calls."""

    def __init__(self, service: Service, limits: Limits, server_state: ServerState) -> None:
        self._service, self._limits = service, limits
        self._all: set[Any] = server_state.connections
        self._calls: dict[int, Call] = {}
        self._unsent: dict[int, Unsent] = {}
        self._watches: dict[int, Health] = {}  # the last status that each was told
        self._loop = asyncio.get_running_loop()
        self._idle_since = self._loop.time()
        self._stalled_since: float | None = None
        self._has_called = self._is_ending = False
        self._h2 = H2Connection(CONFIG)
        self._h2.state_machine._transitions = TRANSITIONS
        self._h2.local_settings = Settings(client=False, initial_values={
            SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS,
            SettingCodes.MAX_HEADER_LIST_SIZE: MOST_BYTES,
            SettingCodes.INITIAL_WINDOW_SIZE: limits.max_body + FRAME_BYTES,
            SettingCodes.MAX_FRAME_SIZE: FRAME_BYTES,
        })  # fmt: skip
        self._h2.max_inbound_frame_size = FRAME_BYTES  # h2 takes it from a later change alone
        self._on: dict[type[Any], Callable[[Any], None]] = {
            events.RequestReceived: self._begin,
            events.DataReceived: self._receive,
            events.StreamEnded: self._complete,
            events.StreamReset: self._forget,
            events.WindowUpdated: self._go_on,
            events.RemoteSettingsChanged: self._go_on,
            events.ConnectionTerminated: self._part,
        }

    def connection_made(self, transport: Any) -> None:
        """Begin HTTP/2."""
        self._transport = transport
        self._all.add(self)
        self._service.row[CONNECTIONS] += 1
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(self._limits.max_body)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all calls."""
        self._all.discard(self)
        self._service.row[CONNECTIONS] -= 1
        for call in self._calls.values():
            call.is_gone = True
            call.share.close()
        self._calls.clear()
        self._unsent.clear()
        self._watches.clear()
        self._on.clear()  # it holds this connection

    def data_received(self, data: bytes) -> None:
        """Take what arrived; what is not HTTP/2 ends the connection."""
        try:
            for event in self._h2.receive_data(data):
                if (take := self._on.get(type(event))) is not None:
                    take(event)
        except ProtocolError:  # h2 has prepared the frame that says why
            self.flush()
            self._transport.close()
            return
        self.flush()

    # Calls.

    def _begin(self, event: Any) -> None:
        self._has_called = True
        fields: Fields = dict(event.headers)
        call = Call(self, self._service.arrivals, event.stream_id, fields, self._loop.time())
        self._calls[event.stream_id] = call
        if (status := self._service.unfit(fields)) is not None:
            self._end(call, [(b":status", status)])
            return
        try:
            combined(event.headers)  # refuses what is repeated
            self._service.admit(call)
        except Problem as problem:
            self.refuse(call, problem)

    def _receive(self, event: Any) -> None:
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        call = self._calls.get(event.stream_id)
        if call is None:  # it was refused
            return
        try:
            call.add(event.data, event.stream_ended is not None, self._limits.max_body)
        except Problem as problem:
            self.refuse(call, problem)

    def _complete(self, event: Any) -> None:
        call = self._calls.get(event.stream_id)
        if call is None:
            return
        call.is_whole = True
        if call.share.held:
            call.share.whole()
        try:
            self._service.take(call, call.message(self._limits.max_body), self)
        except Problem as problem:
            self.refuse(call, problem)

    def _forget(self, event: Any) -> None:
        self._watches.pop(event.stream_id, None)
        self._unsent.pop(event.stream_id, None)
        if (call := self._calls.pop(event.stream_id, None)) is not None:
            call.is_gone = True
            call.share.close()
        self._rest()

    def _part(self, event: Any) -> None:
        """Close behind the last answer: the client has said that it begins no more calls."""
        if event.error_code == ErrorCodes.NO_ERROR:
            self.shutdown()
        else:
            self._transport.close()

    def watch(self, call: Call, status: Health | None) -> None:
        """See service.Watches."""
        self._drop(call)
        with suppress(ProtocolError):
            self._h2.send_headers(call.stream, HEAD)
            self._tell(call.stream, self._service.health() if status is None else status)

    def _tell(self, stream: int, status: Health) -> None:
        if self._watches.get(stream) not in {status, self._service.unknown}:
            self._watches[stream] = status
            self._h2.send_data(stream, framed(self._service.health_message(status)))

    def _tell_all(self) -> None:
        status = self._service.health()
        for stream in self._watches:
            with suppress(ProtocolError):
                self._tell(stream, status)

    # Answers.

    def refuse(self, call: Call, problem: Problem) -> None:
        """See call.Replies."""
        self.answer(call, self._service.refused(call, problem))
        self._loop.call_soon(self.flush)

    def answer(self, call: Call, answer: Answer) -> None:
        """See call.Replies; a client that has ended the call, or is gone, gets nothing."""
        if answer.status != OK:
            self._end(call, HEAD + trailers(answer))
        elif self._calls.get(call.stream) is call:
            with suppress(ProtocolError):
                self._h2.send_headers(call.stream, HEAD)
                self._unsent[call.stream] = Unsent(
                    framed(answer.body), trailers(answer), self._loop.time()
                )
                self._pump(call.stream)
            self._drop(call)

    def _end(self, call: Call, head: Headers) -> None:
        """End a call without a message; what is still on its way is not read."""
        if self._calls.get(call.stream) is call:
            with suppress(ProtocolError):  # all of the call may have come already
                self._h2.send_headers(call.stream, head, end_stream=True)
                if not call.is_whole:
                    self._h2.reset_stream(call.stream, ErrorCodes.NO_ERROR)
            self._drop(call)

    def _drop(self, call: Call) -> None:
        del self._calls[call.stream]
        call.share.close()
        self._rest()

    def _pump(self, stream: int) -> None:
        """Send as much of an answer as the client's windows have room for."""
        unsent, h2 = self._unsent[stream], self._h2
        data = unsent.data
        while data:
            room = min(h2.local_flow_control_window(stream), h2.max_outbound_frame_size)
            if room <= 0 or self._stalled_since is not None:
                unsent.data = data
                return
            h2.send_data(stream, data[:room])
            data = data[room:]
        h2.send_headers(stream, unsent.tail, end_stream=True)
        del self._unsent[stream]

    def _go_on(self, _: Any = None) -> None:
        for stream in list(self._unsent):
            with suppress(ProtocolError):
                self._pump(stream)
        self._rest()

    def flush(self) -> None:
        """See call.Replies."""
        if (data := self._h2.data_to_send()) and not self._transport.is_closing():
            self._transport.write(data)

    # Time and end.

    def pause_writing(self) -> None:
        """Read no more from a client that does not take its answers, and start its clock."""
        self._stalled_since = self._loop.time()
        self._transport.pause_reading()
        for call in self._calls.values():
            call.share.stall()

    def resume_writing(self) -> None:
        """Go on."""
        self._stalled_since = None
        self._transport.resume_reading()
        for call in self._calls.values():
            call.share.go_on()
        self._go_on()
        self.flush()

    def is_idle(self) -> bool:
        """Whether no call is being received or answered; a Watch is neither."""
        return not (self._calls or self._unsent)

    def _rest(self) -> None:
        if self.is_idle():
            self._idle_since = self._loop.time()
            if self._is_ending:
                self._loop.call_soon(self._close)

    def tick(self, now: float) -> float:
        """See http.protocol.Connection.tick: end what is late, tell every Watch of changes."""
        self._tell_all()
        stalled = [each.since for each in self._unsent.values()]
        stalled += [] if self._stalled_since is None else [self._stalled_since]
        due = min(stalled, default=inf) + self._limits.answer_seconds
        if now > due:
            self._service.row[TIMEOUTS] += 1
            self._transport.abort()
            return inf
        due = min(due, self._end_slow(now), self._end_idle(now))
        self.flush()
        return min(due, now + WATCH_SECONDS) if self._watches else due

    def _end_slow(self, now: float) -> float:
        """Refuse calls that take too long to arrive; return when the next does."""
        arriving = [call for call in self._calls.values() if not call.is_whole]
        limit = self._limits.body_seconds
        for call in arriving:
            if now > call.since + limit:
                self._service.row[TIMEOUTS] += 1
                self.refuse(call, Problem(408, "the request did not arrive in time"))
        return min((call.since for call in arriving if call.stream in self._calls),
                   default=inf) + limit  # fmt: skip

    def _end_idle(self, now: float) -> float:
        """Close a connection without calls; return when that is due."""
        if not self.is_idle() or self._watches:
            return inf
        limits = self._limits
        limit = limits.keep_alive_seconds if self._has_called else limits.head_seconds
        if now > self._idle_since + limit:
            self._close()
            return inf
        return self._idle_since + limit

    def drain(self) -> None:
        """Ask the client to begin no more calls here; those on their way are answered."""
        self._tell_all()
        self.flush()
        if not self._transport.is_closing():
            # The first of two: h2's own would refuse what is on its way (RFC 9113, 6.8).
            self._transport.write(GoAwayFrame(0, last_stream_id=LARGEST_ID).serialize())

    def shutdown(self) -> None:
        """Close, behind the last answer."""
        self._is_ending = True
        for stream in self._watches:
            with suppress(ProtocolError):
                self._h2.send_headers(stream, STOPPED, end_stream=True)
        self._watches.clear()
        self._rest()

    def _close(self) -> None:
        if not self._transport.is_closing():
            self._h2.close_connection()
            self.flush()
            self._transport.close()
