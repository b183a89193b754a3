"""One worker: uvicorn, reduced to what a score needs, with a stop that loses no request."""

import asyncio
import errno
import gc
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from time import perf_counter_ns
from types import FrameType
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.server import Server, ServerState

from ..bundle.regular import UnfitFileError, refuse_waiting
from ..http.app import App
from ..http.fast_path import FastPath
from ..http.limits import limits
from ..http.protocol import Connection
from ..http.shared import State
from ..metrics.counters import Counters
from ..settings import Settings, SettingsError
from . import farewell
from .fork import LAST, TAKEN_OVER

BACKLOG = 2048
STOPPING = (signal.SIGTERM, LAST, TAKEN_OVER)
TICKS_A_SECOND = 10
# Time for an idle connection to send a last request before a stop closes it.
IDLE_SECONDS = 1.0
DRAIN_STEP = 0.02
# Delay from the first accept until everything but scoring is prepared.
SETTLE_SECONDS = 0.1
# Reference counts free a request's garbage and the collector finds nothing, so run it less often.
GC_THRESHOLDS = (50_000, 50, 100)


class Orphanable(Server):
    """uvicorn's server, which also closes slow connections.

    It stops when the process that forked it has ended.
    """

    def __init__(self, config: Config, settings: Settings) -> None:
        super().__init__(config)
        self._parent = os.getppid()
        self._settings = settings
        self._look_at = self._read_at = 0.0

    def is_orphan(self) -> bool:
        """Whether the parent is gone."""
        return os.getppid() != self._parent

    async def on_tick(self, counter: int) -> bool:
        """Check the parent ten times a second, and the connections once.

        They are judged by the time of the tick before: what came until then has been read, however
        long this process was held up.
        """
        if self.is_orphan():
            self.should_exit = True
        if counter % TICKS_A_SECOND == 0:
            self._look(self._read_at)
        self._read_at = asyncio.get_running_loop().time()
        return await super().on_tick(counter)

    def _look(self, now: float) -> None:
        """Check all connections, but not before one can be slow: a thousand cost a millisecond.

        If bodies have a shorter limit than heads, a body may be cut that much late.
        """
        if now >= self._look_at:
            due = [connection.tick(now) for connection in self._connections()]
            self._look_at = min([*due, now + shortest(self._settings)])

    def _connections(self) -> list[Connection]:
        connections: list[Any] = list(self.server_state.connections)
        return connections


class Worker(Orphanable):
    """A server that reports when it is ready, and drains before it stops."""

    def __init__(self, config: Config, settings: Settings, hooks: "Hooks") -> None:
        super().__init__(config, settings)
        self._is_last = self._is_taken_over = False
        self._hooks = hooks

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and then exit with 0; uvicorn's own would die of the signal."""
        before = {each: signal.signal(each, self.handle_exit) for each in STOPPING}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report ready."""
        await super().startup(sockets)
        if (door := self._hooks.door) is not None:
            make = partial(door.protocol, self.server_state)
            listening = asyncio.get_running_loop().create_server(
                make, sock=door.listener, ssl=door.ssl, backlog=BACKLOG
            )
            self.servers.append(await listening)
        self._hooks.ready()
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._hooks.settle)

    async def on_tick(self, counter: int) -> bool:
        """Do what is due once a second."""
        if counter % TICKS_A_SECOND == 0:
            self._hooks.tick()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Report not ready, stop accepting, answer what has arrived, then close.

        While it drains, every answer says `connection: close`, so that a client learns of the end
        between two requests and not in the middle of one.
        """
        self._hooks.state.draining = True
        for connection in self._connections():
            connection.drain()
        # Others have the address already, or a restarted server needs it.
        if not (self._is_taken_over or self.is_orphan()):
            await asyncio.sleep(self._settings.drain_delay_seconds)
        await self._stop_accepting(sockets or [])
        if self._hooks.door is not None:
            self._hooks.door.listener.close()
        self._hooks.accepts_no_more()
        now = asyncio.get_running_loop().time
        began, deadline = now(), now() + self._settings.drain_seconds
        await self._drain_until(began + IDLE_SECONDS, deadline)
        # uvicorn's own wait gets the remaining time, not the full time again.
        self.config.timeout_graceful_shutdown = max(0.0, deadline - now())  # type: ignore[assignment]
        await super().shutdown(sockets)

    async def _stop_accepting(self, sockets: list[socket.socket]) -> None:
        doors = [Door(each, self._http, self.config.ssl) for each in sockets]
        doors += [self._hooks.door] if self._hooks.door else []
        spare = [each.dup() for each in doors] if self._is_last else []
        for each in spare:
            with suppress(OSError):  # not Linux: then the queue is emptied without it
                farewell.drop_new(each.listener)
        for server in self.servers:
            server.close()
        for wait in (0.0, farewell.HANDSHAKE_SECONDS) if spare else ():
            await asyncio.sleep(wait)
            for each in spare:
                await self._adopt(each)
        for each in spare:
            each.listener.close()

    async def _adopt(self, door: "Door") -> None:
        """Serve the connections that wait in a closed door's queue."""
        make = partial(door.protocol, self.server_state)
        for connection in farewell.waiting(door.listener):
            await asyncio.get_running_loop().connect_accepted_socket(make, connection, ssl=door.ssl)

    def _http(self, server_state: ServerState) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=server_state, app_state={}
        )
        return protocol

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; the signal says who accepts what is in the listening socket's queue.

        After SIGUSR1 no other worker does; after SIGUSR2 new workers have taken over.
        """
        self._is_last, self._is_taken_over = sig == LAST, sig == TAKEN_OVER
        super().handle_exit(sig, frame)

    async def _drain_until(self, idle_end: float, end: float) -> None:
        """Return when no connection is busy; a late worker reads first what came in time."""
        now = asyncio.get_running_loop().time
        is_late = False
        while self.server_state.connections and not is_late:
            is_idle_over, is_late = now() > idle_end, now() >= end
            await asyncio.sleep(DRAIN_STEP)
            busy = [each for each in self._connections() if not each.is_idle()]
            if not busy and is_idle_over:
                return


class Door(msgspec.Struct, frozen=True):
    """A listening socket, and what makes its connections of uvicorn's state."""

    listener: socket.socket
    protocol: Callable[[ServerState], asyncio.Protocol]
    ssl: ssl.SSLContext | None

    def dup(self) -> "Door":
        """Return another handle of the socket."""
        return Door(self.listener.dup(), self.protocol, self.ssl)


class Hooks(msgspec.Struct, frozen=True):
    """Callbacks from a worker to the rest of its process; `settle` is for work that can wait.

    `door` is a second one beside HTTP's.
    """

    ready: Callable[[], None]
    tick: Callable[[], None]
    state: State
    settle: Callable[[], None]
    accepts_no_more: Callable[[], None]
    door: Door | None = None


def serve(
    app: App, fast_path: FastPath | None, listener: socket.socket, settings: Settings,
    counters: Counters, hooks: Hooks,
) -> None:  # fmt: skip
    """Serve until SIGTERM; without a fast path, the application answers everything."""
    count_pauses(counters)
    protocol = partial(Connection, limits(settings), counters, hooks.state, fast_path)
    config = Config(
        app, loop="uvloop", http=protocol, ws="none", lifespan="off", log_config=None,  # type: ignore[arg-type]
        access_log=False, server_header=False, proxy_headers=False, backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type]
        **tls(settings),
    )  # fmt: skip
    Worker(config, settings, hooks).run(sockets=[listener])


def preload() -> None:
    """Import what uvicorn loads by name at its start, once before the fork."""
    for name in ("uvicorn.lifespan.off", "uvicorn.loops.uvloop"):
        import_module(name)


def shortest(settings: Settings) -> float:
    """Return the shortest time, in seconds, after which a connection may be closed."""
    return min(
        settings.head_seconds, settings.body_seconds, settings.answer_seconds,
        settings.keep_alive_seconds,
    )  # fmt: skip


def tls(settings: Settings) -> dict[str, Any]:
    """Return uvicorn's settings for TLS, and for client certificates where a CA is given."""
    if settings.tls_cert is None:
        return {}
    given = {"ssl_certfile": str(settings.tls_cert), "ssl_keyfile": str(settings.tls_key)}
    if settings.tls_client_ca is None:
        return given
    return {
        **given, "ssl_ca_certs": str(settings.tls_client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }  # fmt: skip


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return TLS as the settings say, None without it; raises SettingsError."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    files = [file for file in (settings.tls_cert, settings.tls_key, settings.tls_client_ca) if file]
    try:
        for file in files:
            refuse_waiting(file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
        if settings.tls_client_ca is not None:
            context.load_verify_locations(settings.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except UnfitFileError as error:
        raise SettingsError(f"settings: tls: {error}") from error
    except OSError as error:  # ssl.SSLError is one
        given = ", ".join(map(str, files))
        raise SettingsError(f"settings: tls: {given}: {error.strerror or error}") from error
    return context


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises SettingsError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        said = str(error.strerror).partition(" (")[
            0
        ]  # there Python's message has the address in another form
        more = "; choose another port" if error.errno == errno.EADDRINUSE else ""
        raise SettingsError(f"cannot listen on {host} port {port}: {said}{more}") from error


def count_pauses(counters: Counters) -> None:
    """Count the garbage collector's runs and their duration, and make them rare."""
    gc.set_threshold(*GC_THRESHOLDS)
    began = 0

    def seen(phase: str, _: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = perf_counter_ns()
        else:
            counters.add("gc_pauses")
            counters.add("gc_ns", perf_counter_ns() - began)

    gc.callbacks.append(seen)
