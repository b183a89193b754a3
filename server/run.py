"""From settings to running processes: everything slow happens before the socket opens."""

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import uvicorn
from uvicorn.config import Config

from . import logs
from .bundle.regular import UnfitFileError, refuse_waiting
from .engine import choice
from .http import app, fast_path
from .http.fast_path import FastPath
from .http.gate import Gate
from .http.group_commit import GroupCommit
from .http.keys import Keys
from .http.ledger import Ledger
from .http.limits import limits
from .http.protocol import Connection
from .http.services import Services, open_services
from .http.shared import state
from .metrics.counters import Table
from .oip import handler
from .oip.infer import Infer
from .platform.choice import contract_of
from .platform.contract import Contract
from .process import worker
from .process.asking import Serve
from .process.fork import Accepting
from .process.supervisor import ROWS_PER_WORKER, Processes, Supervisor, announce
from .process.trial import try_first
from .process.worker import Door, Hooks
from .record import privacy, segment
from .scoring import catalog
from .scoring.care import Care
from .scoring.catalog import Catalog, Key
from .settings import Settings, SettingsError

log = logging.getLogger(__name__)


def check(settings: Settings) -> Catalog:
    """Do everything that can fail before the socket opens: logs, TLS, models, keys, log folder."""
    logs.configure(settings.log_level)
    worker.tls_context(settings)
    check_grpc(settings)
    loaded = catalog.load_all(settings, Care(try_first=try_first(settings.load_seconds)))
    Keys(settings.keys).tell_if_closed()
    check_drift_metrics(settings.drift_metrics)
    if settings.fast_lane == "on" and not fast_path.is_known():
        log.warning("uvicorn %s: not known to the fast path, all by ASGI", uvicorn.__version__)
    privacy.of(settings.log_features, settings.log_salt_file)
    return loaded


def check_grpc(settings: Settings) -> None:
    """Raise SettingsError if gRPC is wanted and its packages are not installed."""
    if settings.grpc_port is None:
        return
    try:
        import_module(".grpc.door", __package__)
    except ModuleNotFoundError as error:
        said = "pip install h2 protobuf, or the extra grpc of credit-express"
        raise SettingsError(f"settings: grpc_port: needs {error.name} ({said})") from error


def check_drift_metrics(file: Path | None) -> None:
    """Raise SettingsError if this is not a regular file; it may be missing until the drift
    job runs.
    """
    try:
        if file is not None:
            refuse_waiting(file)
    except UnfitFileError as error:
        raise SettingsError(f"settings: drift_metrics: {error}") from error


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    contract = contract_of(settings.platform, os.environ)
    loaded = check(settings)
    segment.prepare(settings.log_dir)
    listener = worker.bind(settings.host, settings.port)
    grpc_listener = bound(settings, settings.grpc_port)
    choice.tell(settings.engine)
    table = Table(settings.workers * ROWS_PER_WORKER)

    def work(models: Catalog, row: int, accepting: Accepting) -> None:
        services = open_services(settings, models, table, row)
        scores = app.scores(services, contract.score)
        infers = handler.infers(services, scores.ledger)
        scores.handlers.update(handler.handlers(services, infers))
        rest = app.Rest(services, partial(rest_of, infers, contract))
        hooks = Hooks(
            accepting, services.tick, services.state, rest.prepare, accepting.end,
            door_of(grpc_listener, services, infers, scores.ledger),
        )  # fmt: skip
        services.state.in_flight.weigh = scores.weigh
        services.state.gate = Gate(services.keys, partial(app.scope_of, scores.handlers))
        made, fast = app.create(services, scores, rest), fast_path_of(services, scores)
        worker.serve(made, fast, listener, settings, services.counters, hooks)
        services.close()

    def load(care: Care) -> Catalog:
        load_rest()
        return catalog.load_all(settings, care)

    if settings.workers > 1:
        load_rest()
    worker.preload()
    admin_listener = bound(settings, settings.admin_port)
    doors = [each for each in (listener, grpc_listener) if each is not None]
    processes = Processes(
        work, settings.workers, table, admin_of(settings, admin_listener), partial(leave, doors),
        settings.drain_delay_seconds + settings.drain_seconds, settings.load_seconds,
        admin_listener.close if admin_listener else None,
    )  # fmt: skip
    supervisor = Supervisor(load, loaded, processes)
    grpc_port = grpc_listener.getsockname()[1] if grpc_listener else None
    supervisor.run(partial(announce, *address(settings, listener), grpc_port))


def bound(settings: Settings, port: int | None) -> socket.socket | None:
    """Return a listening socket of a further port, None if it is off; raises SettingsError."""
    return None if port is None else worker.bind(settings.host, port)


def leave(listeners: Sequence[socket.socket]) -> None:
    """Close the listening sockets of the workers."""
    for each in listeners:
        each.close()


def door_of(
    listener: socket.socket | None, services: Services, infers: Mapping[Key, Infer], ledger: Ledger
) -> Door | None:
    """Return gRPC's door, None if it is off; it is imported only where it is on."""
    if listener is None:
        return None
    from .grpc import door

    context = worker.tls_context(services.settings)
    if context is not None:
        context.set_alpn_protocols(["h2"])
    return Door(listener, door.protocol(services, infers, ledger), context)


def load_rest() -> None:
    """Import everything but scoring before the fork, so that the processes share it."""
    for name in (".http.rest", ".oip.service", ".platform.routes"):
        import_module(name, __package__)


def rest_of(infers: Mapping[Key, Infer], contract: Contract, services: Services) -> app.App:
    """Return the application for all other paths; it is imported on first use."""
    from .http import rest
    from .oip.service import Protocol
    from .platform.routes import routes

    found = [*routes(services, contract), *Protocol(services, infers).routes()]
    return rest.create(services, found)


def fast_path_of(services: Services, scores: app.Scores) -> FastPath | None:
    """Return the fast path, or None with CORS, which needs ASGI."""
    settings = services.settings
    if settings.fast_lane == "off" or settings.cors_origin is not None or not fast_path.is_known():
        return None
    handlers = {path.encode(): score for path, score in scores.handlers.items()}
    group_commit = GroupCommit(services.state.in_flight, scores.ledger, settings.workers)
    return FastPath(handlers, group_commit)


def admin_of(settings: Settings, listener: socket.socket | None) -> Serve | None:
    """Return the function that serves the admin port over a control socket, or None if it
    is off.
    """
    if listener is None:
        return None
    keys = Keys(settings.keys)

    def serve(control: socket.socket) -> None:
        from .process.admin import Admin, end_with
        from .process.decisions import Decisions

        end_with(control)
        shared = state(settings, Gate(keys, lambda _: "admin"))
        http = partial(Connection, limits(settings), Table(1).row(0), shared, None)
        decisions = Decisions(settings) if settings.admin_decisions == "on" else None
        config = Config(
            Admin(control, keys, decisions).app(), http=http,  # type: ignore[arg-type]
            timeout_keep_alive=settings.keep_alive_seconds, log_config=None,  # type: ignore[arg-type]
            access_log=False, server_header=False, lifespan="off", ws="none",
            **worker.tls(settings),
        )  # fmt: skip
        worker.Orphanable(config, settings).run(sockets=[listener])

    return serve


def address(settings: Settings, listener: socket.socket) -> tuple[str, str, int]:
    """Return the URL, host and port that were bound."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.tls_cert else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}", host, port
