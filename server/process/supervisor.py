"""N workers on one listening socket: replaced when they die, and one by one when models change.

A worker never changes: what it serves was loaded before its fork. A new version means new workers,
which are ready before the old ones are told to drain. A version that does not load changes nothing:
it is first tried in a separate process, and signals are handled meanwhile.
"""

import gc
import json
import logging
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from time import monotonic, sleep

import msgspec

from ..bundle.manifest import BundleError
from ..metrics.counters import Table
from ..scoring.catalog import Catalog
from . import memory
from .asking import Asking, Serve
from .changes import LOADING, Change, Changes, Load
from .control import Command, Reply
from .fork import LAST, RELOAD, TAKEN_OVER, Accepting, fork, read_exactly, still_held
from .restart import FIRST_SECONDS, Restart, after
from .trial import line_of

log = logging.getLogger(__name__)
STOPPING = (signal.SIGTERM, signal.SIGINT)
# Time beyond its own drain limit before a worker is killed: it no longer answers.
PATIENCE = 5.0
POLL_SECONDS = 0.05
# A worker in a long batch notices only after it that others have taken over.
HEAR_SECONDS = 5.0
# During a roll, old and new workers exist together, and others may still be draining.
ROWS_PER_WORKER = 4
Work = Callable[[Catalog, int, Accepting], None]


class WorkersError(Exception):
    """Workers that did not become ready at the start; their own messages come before this line."""


class Child(msgspec.Struct):
    """A running worker: its row of counters, when it began, when its drain must end.

    `pause` is used when it dies, see restart.
    """

    row: int
    began: float
    pause: float
    end: float | None = None


class Processes(msgspec.Struct, frozen=True):
    """What to run: `work` in each worker, and `admin`.

    `leave` and `leave_admin` close the sockets of the other one, `drain_seconds` is the workers'
    limit for a drain, `load_seconds` the limit for loading.
    """

    work: Work
    workers: int
    table: Table
    admin: Serve | None
    leave: Callable[[], None]
    drain_seconds: float
    load_seconds: float = 300.0
    leave_admin: Callable[[], None] | None = None


class Supervisor:
    """Owns the catalog, the counters and the processes."""

    def __init__(self, load: Load, catalog: Catalog, processes: Processes) -> None:
        self._catalog = catalog
        self._processes = processes
        self._wanted = processes.workers
        self._table = processes.table
        self._drain_seconds = processes.drain_seconds + PATIENCE
        self._asking = Asking(processes.admin) if processes.admin else None
        self._changes = Changes(load, self._let_all_go, processes.load_seconds)
        self._children: dict[int, Child] = {}
        self._due: list[Restart] = []
        self._held: list[int] = []  # pipes whose other ends workers hold while they accept
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.PollSelector()  # no state is shared with a forked child

    def run(self, announce: Callable[[], None]) -> None:
        """Keep the workers running until SIGTERM or SIGINT, then wait until they have ended.

        Raises WorkersError if they do not become ready at the start.
        """
        self._listen_to_signals()
        self._start_admin()
        is_up = self._start(self._wanted)
        announce() if is_up else self._stop()
        self._attend()
        if not is_up:
            raise WorkersError(f"workers: {self._wanted} wanted, not all became ready")

    def _attend(self) -> None:
        self._selector.register(self._woken, selectors.EVENT_READ, self._on_signals)
        while self._children or self._due:
            for key, _ in self._selector.select(self._until_next()):
                key.data()
            self._kill_overdue()
            self._start_due()
            if self._changes.is_late():
                self._on_trial_end()

    def _until_next(self) -> float | None:
        times = [child.end for child in self._children.values() if child.end is not None]
        times += [each.at for each in self._due]
        if self._changes.trial is not None:
            times.append(self._changes.trial.end)
        return max(0.0, min(times) - monotonic()) if times else None

    def _start_due(self) -> None:
        now = monotonic()
        due = [each for each in self._due if each.at <= now]
        self._due = [each for each in self._due if each.at > now]
        for each in due:
            try:
                if each.is_admin:
                    self._start_admin(each.pause)
                else:
                    self._start(1, each.pause)
            except OSError as error:
                log.error("a process cannot be started: %s", error.strerror)
                self._due.append(each.later(monotonic()))

    def _kill_overdue(self) -> None:
        for pid, child in self._children.items():
            if child.end is not None and monotonic() >= child.end:
                log.error("worker %d did not end in time; killing it", pid)
                os.kill(pid, signal.SIGKILL)
                child.end += PATIENCE

    def _on_signals(self) -> None:
        for number in set(self._woken.recv(64)):
            if number == signal.SIGCHLD:
                self._reap()
            elif self._stopping:
                continue
            elif number == RELOAD:
                self._ask(Change(Command("reload")))
            elif number in STOPPING:
                self._stop()

    def _listen_to_signals(self) -> None:
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (*STOPPING, RELOAD, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def _on_admin(self, asking: Asking) -> None:
        lines = asking.hear()
        if lines is None:
            self._forget_admin(asking)
            return
        for line in lines:
            try:
                command = msgspec.json.decode(line, type=Command)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._tell(asking.socket, f"not understood: {error}")
            else:
                self._ask(Change(command, asking.socket))

    def _ask(self, change: Change) -> None:
        """Do the command, now or after earlier ones; then reply."""
        if change.command.verb in {*LOADING, "restart", "unload"}:
            self._changes.waiting.append(change)
            self._go_on()
        else:
            self._tell(change.teller, None)

    def _go_on(self) -> None:
        while self._changes.waiting and self._changes.trial is None:
            change = self._changes.waiting[0]
            try:
                if change.command.verb in LOADING:
                    trial = self._changes.begin(self._catalog)
                    self._selector.register(trial.pipe, selectors.EVENT_READ, self._on_trial)
                    return
                error = self._roll(self._changed(change.command))
            except (BundleError, OSError) as raised:
                error = self._kept(raised)
            self._changes.waiting.popleft()
            self._tell(change.teller, error)

    def _changed(self, command: Command) -> Catalog:
        return self._catalog.without(command.model) if command.verb == "unload" else self._catalog

    def _on_trial(self) -> None:
        trial = self._changes.trial
        if trial is not None and trial.hear():
            self._on_trial_end()

    def _on_trial_end(self) -> None:
        change, trial = self._changes.waiting[0], self._changes.trial
        if trial is not None:
            self._selector.unregister(trial.pipe)
        try:
            error = self._roll(self._changes.end(self._catalog))
        except (BundleError, OSError) as raised:
            error = self._kept(raised)
        self._tell(change.teller, error)
        self._go_on()

    def _tell(self, teller: socket.socket | None, error: str | None) -> None:
        """Reply to the admin process, if it is still there."""
        if self._asking is not None and teller is not None and teller is self._asking.socket:
            self._asking.answer(msgspec.json.encode(Reply(error, self._catalog.listing())))

    def _kept(self, error: Exception) -> str:
        said = line_of(error)
        log.error("kept what is served: %s", said)
        return said

    def _roll(self, catalog: Catalog) -> str | None:
        """Start workers over `catalog`, then drain the old ones; return an error or None.

        When it returns, no old worker accepts connections. Raises OSError if no more processes
        can be made.
        """
        old, before, held = set(self._children), self._catalog, self._held
        self._catalog, is_up, self._held = catalog, False, []
        try:
            is_up = self._start(self._wanted)
        finally:
            if not is_up:
                self._catalog = before
                self._held += held
                self._drain(set(self._children) - old)
        if not is_up:
            return "a new worker did not become ready: kept what is served"
        self._due = [each for each in self._due if each.is_admin]
        self._drain(old, TAKEN_OVER)
        self._held += still_held(held, HEAR_SECONDS)
        log.info("serving %s", ", ".join(catalog.names()))
        return None

    def _start(self, count: int, pause: float = FIRST_SECONDS) -> bool:
        """Fork `count` workers; return whether all became ready. Raises OSError."""
        self._wait_for_rows(count)
        gc.collect()
        gc.freeze()
        memory.trim_heap()
        ready, told = os.pipe()
        ours, held = os.pipe()
        self._held = [*still_held(self._held, 0), ours]
        try:
            for _ in range(count):
                self._fork(Accepting(told, held), pause)
        except OSError:
            os.close(ready)
            raise
        finally:
            os.close(told)
            os.close(held)
        reports = read_exactly(ready, count)
        os.close(ready)
        memory.forget_code()
        return reports == count

    def _fork(self, accepting: Accepting, pause: float) -> None:
        taken = {child.row for child in self._children.values()}
        row = next(i for i in range(self._table.rows) if i not in taken)

        def work() -> None:
            self._let_go()
            self._leave_admin()
            self._processes.work(self._catalog, row, accepting)

        self._children[fork(work)] = Child(row, monotonic(), pause)

    def _let_go(self) -> None:
        """Close, in a child, the supervisor's own ends, which show that it is alive."""
        self._wake.close()
        self._woken.close()
        for pipe in self._held:
            os.close(pipe)
        if self._asking is not None:
            self._asking.close()
        if self._changes.trial is not None:
            os.close(self._changes.trial.pipe)

    def _let_all_go(self) -> None:
        """Close the listening sockets too."""
        self._let_go_for_admin()
        self._leave_admin()

    def _leave_admin(self) -> None:
        if self._processes.leave_admin is not None:
            self._processes.leave_admin()

    def _start_admin(self, pause: float = FIRST_SECONDS) -> None:
        if self._asking is not None:
            ours = self._asking.start(self._let_go_for_admin, pause)
            hear = partial(self._on_admin, self._asking)
            self._selector.register(ours, selectors.EVENT_READ, hear)

    def _let_go_for_admin(self) -> None:
        self._let_go()
        self._processes.leave()

    def _forget_admin(self, asking: Asking) -> None:
        if asking.socket is not None:
            self._selector.unregister(asking.socket)
            asking.close()
            asking.kill()

    def _reap(self) -> None:
        while self._children or self._changes.trial or (self._asking and self._asking.pid):
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._bury(pid, status)

    def _bury(self, pid: int, status: int) -> None:
        trial, asking = self._changes.trial, self._asking
        if trial is not None and pid == trial.pid:
            trial.status = status
            return
        if asking is not None and pid == asking.pid:
            self._forget_admin(asking)
            code = os.waitstatus_to_exitcode(status)
            self._schedule(f"admin process {pid}", code, asking.died())
            return
        child = self._children.pop(pid, None)
        if child is None:  # somebody else's orphan: we may be process 1 of a container
            return
        self._table.row(child.row).reset_gauges()
        if child.end is None and not self._stopping:
            self._replace(pid, child, os.waitstatus_to_exitcode(status))

    def _wait_for_rows(self, count: int) -> None:
        """Wait until enough draining workers have ended for `count` new ones to have counters."""
        while len(self._children) + count > self._table.rows:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._bury(pid, status)
            else:
                self._kill_overdue()
                sleep(POLL_SECONDS)

    def _replace(self, pid: int, child: Child, code: int) -> None:
        self._table.row(child.row).add("restarts")
        self._schedule(f"worker {pid}", code, after(child.began, child.pause, monotonic()))

    def _schedule(self, name: str, code: int, restart: Restart) -> None:
        wait = max(0.0, restart.at - monotonic())
        log.error("%s ended with %d; replacing it in %.0f s", name, code, wait)
        self._due.append(restart)

    def _stop(self) -> None:
        self._stopping = True
        self._due.clear()
        self._drop_changes()
        if self._asking is not None and self._asking.pid:
            pid = self._asking.pid
            self._forget_admin(self._asking)
            os.waitpid(pid, 0)
            self._asking.pid = 0
        self._processes.leave()
        self._leave_admin()
        self._drain(set(self._children), LAST)

    def _drop_changes(self) -> None:
        if self._changes.trial is not None:
            self._selector.unregister(self._changes.trial.pipe)
        self._changes.drop()

    def _drain(self, pids: set[int], number: signal.Signals = signal.SIGTERM) -> None:
        for pid in pids & set(self._children):
            self._children[pid].end = monotonic() + self._drain_seconds
            os.kill(pid, number)


def announce(url: str, host: str, port: int, grpc_port: int | None = None) -> None:
    """Print the line that scripts wait for."""
    line = {"event": "ready", "url": url, "host": host, "port": port}
    if grpc_port is not None:
        line["grpc_port"] = grpc_port
    sys.stdout.write(
        f"{json.dumps(line)}\n"
    )  # print would write twice, and a worker's output could come between
    sys.stdout.flush()
