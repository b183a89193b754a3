"""From settings to running processes: everything slow happens before the socket opens."""

import socket
from collections.abc import Callable
from functools import partial

import uvicorn

from . import app, catalog, logs, privacy, segment
from .catalog import Catalog
from .http.keys import Keys
from .metrics.counters import Table
from .process import worker
from .process.admin import Admin
from .process.supervisor import ROWS_PER_WORKER, Processes, Supervisor, announce
from .process.worker import Hooks
from .services import open_services
from .settings import Settings


def check(settings: Settings) -> Catalog:
    """Do all that can fail before the socket: logs, certificates, models, keys, log folder."""
    logs.configure(settings.log_level)
    worker.check_tls(settings)
    loaded = catalog.load_all(settings)
    Keys(settings.keys)
    privacy.of(settings.log_features, settings.log_salt_file)
    return loaded


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    loaded = check(settings)
    segment.prepare(settings.log_dir)
    listener = worker.bind(settings.host, settings.port)
    table = Table(settings.workers * ROWS_PER_WORKER)

    def work(models: Catalog, row: int, ready: Callable[[], None]) -> None:
        services = open_services(settings, models, table, row)
        hooks = Hooks(ready, services.tick, services.state)
        worker.serve(app.create(services), listener, settings, services.counters, hooks)
        services.close()

    load = partial(catalog.load_all, settings)
    processes = Processes(
        work, settings.workers, table, admin_of(settings), listener.close,
        settings.drain_delay_seconds + settings.drain_seconds,
    )  # fmt: skip
    supervisor = Supervisor(load, loaded, processes)
    supervisor.run(partial(announce, *address(settings, listener)))


def admin_of(settings: Settings) -> Callable[[socket.socket], None] | None:
    """Return what serves the admin port over a control socket, or None where it is off."""
    if settings.admin_port is None:
        return None
    listener = worker.bind(settings.host, settings.admin_port)

    def serve(control: socket.socket) -> None:
        config = uvicorn.Config(
            Admin(control, Keys(settings.keys)).app(), log_config=None, access_log=False,
            server_header=False, lifespan="off", ws="none", **worker.tls(settings),
        )  # fmt: skip
        worker.Orphanable(config).run(sockets=[listener])

    return serve


def address(settings: Settings, listener: socket.socket) -> tuple[str, str, int]:
    """Return URL, host and port really bound."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.tls_cert else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}", host, port
