"""Child processes of the supervisor: how they begin, end with it, and report."""

import ctypes
import os
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from time import monotonic

READY_SECONDS = 60.0
LAST = signal.SIGUSR1
TAKEN_OVER = signal.SIGUSR2
RELOAD = signal.SIGHUP
PR_SET_PDEATHSIG = 1  # Linux


def fork(work: Callable[[], None], at_parents_death: signal.Signals = signal.SIGTERM) -> int:
    """Run `work` in a child process that ends with this one; return its process id.

    The kernel sends the child `at_parents_death` when this process ends. Raises OSError.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        restore_signals()
        end_with(parent, at_parents_death)
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def restore_signals() -> None:
    """Give a forked child the default signals, except Ctrl-C, which the supervisor passes on."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, LAST, TAKEN_OVER, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, RELOAD):
        signal.signal(number, signal.SIG_IGN)


def end_with(parent: int, number: signal.Signals) -> None:
    """Ask the kernel for signal `number` when the parent ends; exit now if it already has."""
    ask = getattr(ctypes.CDLL(None), "prctl", None)
    if ask is not None:  # otherwise not Linux
        ask(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Accepting:
    """Tells the supervisor that a worker accepts connections, and when it stops doing so.

    `told` and `held` are the worker's ends of two pipes. The kernel closes them if it dies.
    """

    def __init__(self, told: int, held: int) -> None:
        self._told = told
        self._held = held

    def __call__(self) -> None:
        """Say that it accepts connections."""
        os.write(self._told, b".")
        os.close(self._told)

    def end(self) -> None:
        """Say that it accepts no more connections."""
        os.close(self._held)


def read_exactly(ready: int, count: int) -> int:
    """Wait for `count` reports; return how many came before the writers or the time ended."""
    selector = selectors.DefaultSelector()
    selector.register(ready, selectors.EVENT_READ)
    end, reports = monotonic() + READY_SECONDS, 0
    while reports < count and selector.select(max(0.0, end - monotonic())):
        came = os.read(ready, count)
        if not came:
            break
        reports += len(came)
    selector.close()
    return reports


def still_held(pipes: Iterable[int], seconds: float) -> list[int]:
    """Wait until the pipes' other ends are closed; close those, and return the rest."""
    selector, end = selectors.DefaultSelector(), monotonic() + seconds
    for pipe in pipes:
        selector.register(pipe, selectors.EVENT_READ)
    while selector.get_map() and (ended := selector.select(max(0.0, end - monotonic()))):
        for key, _ in ended:
            selector.unregister(key.fd)
            os.close(key.fd)
    held = [key.fd for key in selector.get_map().values()]
    selector.close()
    return held
