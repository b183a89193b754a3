"""N workers on one listening socket: replaced when they die, rolled when the models change.

A worker never changes: what it serves was loaded before its fork. A new version means new workers,
which are ready before the old ones are told to drain; a version that does not load changes nothing.
"""

import gc
import json
import logging
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from time import monotonic, sleep

import msgspec

from ..bundle import BundleError
from ..catalog import Catalog, CatalogError
from ..metrics.counters import Table
from . import memory
from .control import Command, Reply
from .restart import FIRST_SECONDS, Restart, after
from .worker import LAST

log = logging.getLogger(__name__)
STOPPING = (signal.SIGTERM, signal.SIGINT)
RELOAD = signal.SIGHUP
READY_SECONDS = 60.0
# What a worker gets above its own bound on a drain before it is killed: it no longer answers.
PATIENCE = 5.0
POLL_SECONDS = 0.05
# Old and new workers live side by side during a roll, and a dead one may still be draining.
ROWS_PER_WORKER = 4
Work = Callable[[Catalog, int, Callable[[], None]], None]


class WorkersError(Exception):
    """Workers that did not become ready at the start: one line; theirs stand before it."""


class Child(msgspec.Struct):
    """A running worker: its row of the counters, when it began, when a drain must have ended.

    `pause` is for its death, see restart.
    """

    row: int
    began: float
    pause: float
    end: float | None = None


class Processes(msgspec.Struct, frozen=True):
    """What to run: `work` in each worker, `admin` beside them; `leave` gives up the socket.

    `drain_seconds` is the workers' own bound on a drain.
    """

    work: Work
    workers: int
    table: Table
    admin: Callable[[socket.socket], None] | None
    leave: Callable[[], None]
    drain_seconds: float


class Supervisor:
    """Owns the catalog, the counters and the processes."""

    def __init__(
        self,
        load: Callable[[], Catalog],
        catalog: Catalog,
        processes: Processes,
    ) -> None:
        self._load = load
        self._catalog = catalog
        self._work = processes.work
        self._wanted = processes.workers
        self._table = processes.table
        self._admin = processes.admin
        self._leave = processes.leave
        self._drain_seconds = processes.drain_seconds + PATIENCE
        self._admin_pid = 0
        self._admin_began, self._admin_pause = 0.0, FIRST_SECONDS
        self._control, self._asking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._children: dict[int, Child] = {}
        self._due: list[Restart] = []
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self.restarts = 0

    def run(self, announce: Callable[[], None]) -> None:
        """Keep the workers running until SIGTERM or SIGINT; then wait until they are done.

        Raises WorkersError where they do not become ready at all.
        """
        self._listen_to_signals()
        self._fork_admin()
        is_up = self._start(self._wanted)
        announce() if is_up else self._stop()
        self._attend()
        if not is_up:
            raise WorkersError(f"workers: {self._wanted} wanted, not all became ready")

    def _attend(self) -> None:
        selector = selectors.DefaultSelector()
        for source in (self._woken, self._control):
            selector.register(source, selectors.EVENT_READ)
        while self._children or self._due:
            for key, _ in selector.select(self._until_next()):
                self._act(key.fileobj)
            self._kill_overdue()
            self._start_due()

    def _until_next(self) -> float | None:
        times = [child.end for child in self._children.values() if child.end is not None]
        times += [each.at for each in self._due]
        return max(0.0, min(times) - monotonic()) if times else None

    def _start_due(self) -> None:
        now = monotonic()
        due = [each for each in self._due if each.at <= now]
        self._due = [each for each in self._due if each.at > now]
        for each in due:
            if each.is_admin:
                self._fork_admin(each.pause)
            else:
                self._start(1, each.pause)

    def _kill_overdue(self) -> None:
        for pid, child in self._children.items():
            if child.end is not None and monotonic() >= child.end:
                log.error("worker %d did not end in time; killing it", pid)
                os.kill(pid, signal.SIGKILL)
                child.end += PATIENCE

    def _act(self, source: object) -> None:
        if source is self._woken:
            for number in set(self._woken.recv(64)):
                self._on_signal(number)
        else:
            self._control.send(self._reply(self._control.recv(65536)))

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif self._stopping:
            return
        elif number == RELOAD:
            self._reload()
        elif number in STOPPING:
            self._stop()

    def _listen_to_signals(self) -> None:
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (*STOPPING, RELOAD, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def _reply(self, request: bytes) -> bytes:
        command = msgspec.json.decode(request, type=Command)
        error: str | None
        if self._stopping:
            error = "stopping: nothing is changed any more"
        elif command.verb == "reload":
            error = self._reload()
        elif command.verb == "restart":
            error = self._roll(self._catalog)
        elif command.verb in {"load", "unload"}:
            error = self._change(command)
        else:
            error = None
        return msgspec.json.encode(Reply(error, self._catalog.listing()))

    def _change(self, command: Command) -> str | None:
        try:
            change = self._catalog.with_model if command.verb == "load" else self._catalog.without
            return self._roll(change(command.model))
        except (BundleError, CatalogError) as error:
            return self._kept(error)

    def _reload(self) -> str | None:
        try:
            return self._roll(self._load())
        except (BundleError, CatalogError) as error:
            return self._kept(error)

    def _kept(self, error: Exception) -> str:
        log.error("kept what is served: %s", error)
        return str(error)

    def _roll(self, catalog: Catalog) -> str | None:
        """Start workers over `catalog`, then drain the old; returns what went wrong, or None."""
        old, before = set(self._children), self._catalog
        self._catalog = catalog
        if not self._start(self._wanted):
            self._catalog = before
            self._drain(set(self._children) - old)
            return "a new worker did not become ready: kept what is served"
        self._due = [each for each in self._due if each.is_admin]
        self._drain(old)
        log.info("serving %s", ", ".join(catalog.names()))
        return None

    def _start(self, count: int, pause: float = FIRST_SECONDS) -> bool:
        """Fork `count` workers; returns whether all became ready."""
        self._wait_for_rows(count)
        gc.collect()
        gc.freeze()
        memory.trim_heap()
        ready, told = os.pipe()
        for _ in range(count):
            self._fork(told, pause)
        os.close(told)
        reports = read_exactly(ready, count)
        os.close(ready)
        memory.forget_code()
        return reports == count

    def _fork(self, told: int, pause: float) -> None:
        taken = {child.row for child in self._children.values()}
        row = next(i for i in range(self._table.rows) if i not in taken)
        pid = fork(lambda: self._work(self._catalog, row, lambda: announce_ready(told)))
        self._children[pid] = Child(row, monotonic(), pause)

    def _fork_admin(self, pause: float = FIRST_SECONDS) -> None:
        admin, asking = self._admin, self._asking
        if admin is not None:
            self._admin_began, self._admin_pause = monotonic(), pause
            self._admin_pid = fork(lambda: admin(asking))

    def _reap(self) -> None:
        while self._children or self._admin_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._bury(pid, status)

    def _bury(self, pid: int, status: int) -> None:
        if pid == self._admin_pid:
            self._admin_pid, code = 0, os.waitstatus_to_exitcode(status)
            restart = after(self._admin_began, self._admin_pause, monotonic(), is_admin=True)
            self._schedule(f"admin process {pid}", code, restart)
            return
        child = self._children.pop(pid, None)
        if child is None:  # an orphan of somebody's: we may be process 1 of a container
            return
        self._table.row(child.row).reset_gauges()
        if child.end is None and not self._stopping:
            self._replace(pid, child, os.waitstatus_to_exitcode(status))

    def _wait_for_rows(self, count: int) -> None:
        """Wait until enough draining workers are gone for `count` new ones to have counters."""
        while len(self._children) + count > self._table.rows:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._bury(pid, status)
            else:
                self._kill_overdue()
                sleep(POLL_SECONDS)

    def _replace(self, pid: int, child: Child, code: int) -> None:
        self.restarts += 1
        self._table.row(child.row).add("restarts")
        self._schedule(f"worker {pid}", code, after(child.began, child.pause, monotonic()))

    def _schedule(self, name: str, code: int, restart: Restart) -> None:
        wait = max(0.0, restart.at - monotonic())
        log.error("%s ended with %d; replacing it in %.0f s", name, code, wait)
        self._due.append(restart)

    def _stop(self) -> None:
        self._stopping = True
        self._due.clear()
        if self._admin_pid:
            os.kill(self._admin_pid, signal.SIGKILL)
            os.waitpid(self._admin_pid, 0)
            self._admin_pid = 0
        self._leave()
        self._drain(set(self._children), LAST)

    def _drain(self, pids: set[int], number: signal.Signals = signal.SIGTERM) -> None:
        for pid in pids & set(self._children):
            self._children[pid].end = monotonic() + self._drain_seconds
            os.kill(pid, number)


def fork(work: Callable[[], None]) -> int:
    """Run `work` in a child process that ends with it; returns the child's process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        restore_signals()
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def announce_ready(told: int) -> None:
    """Tell the supervisor, from the worker, that it accepts."""
    os.write(told, b".")
    os.close(told)


def read_exactly(ready: int, count: int) -> int:
    """Wait for `count` reports; returns how many came before the writers or the time ended."""
    selector = selectors.DefaultSelector()
    selector.register(ready, selectors.EVENT_READ)
    end, reports = monotonic() + READY_SECONDS, 0
    while reports < count and selector.select(max(0.0, end - monotonic())):
        came = os.read(ready, count)
        if not came:
            break
        reports += len(came)
    return reports


def restore_signals() -> None:
    """Give a forked child the default signals; Ctrl-C is the supervisor's to hand on."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, LAST, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, RELOAD):
        signal.signal(number, signal.SIG_IGN)


def announce(url: str, host: str, port: int) -> None:
    """Print the one line scripts wait for."""
    line = {"event": "ready", "url": url, "host": host, "port": port}
    sys.stdout.write(f"{json.dumps(line)}\n")  # print's second write may come behind a worker's
    sys.stdout.flush()
