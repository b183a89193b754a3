"""The command's work in a process of its own: LightGBM ends its process on some damaged texts."""

import os
import signal
import sys
from collections.abc import Callable

# A child ended by one of these crashed; another signal was sent by somebody, and is passed on.
CRASHES = {
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGKILL, signal.SIGSEGV,
}  # fmt: skip
PASSED_ON = {signal.SIGINT, signal.SIGTERM}
CRASHED = (
    "convert: a library ended the process ({name}) on this model: damaged, or too large for the "
    "memory; nothing was written"
)


def guarded(work: Callable[[], int]) -> int:
    """Run `work` in a forked child and return its exit code; 2 and one line where it crashes.

    To be called before libraries are imported: what has no threads yet can be forked.
    """
    sys.stdout.flush()
    # One that comes before it can be passed on waits, and is.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        _quiet_libraries()
        sys.exit(work())
    ended = _waited(child)
    if ended >= 0:
        return ended
    if (number := signal.Signals(-ended)) in CRASHES:
        print(CRASHED.format(name=number.name), file=sys.stderr)
        return 2
    return 128 - ended


def _quiet_libraries() -> None:
    """Keep both outputs for our own lines: the C++ runtime writes there, and before it aborts."""
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    # LightGBM logs through a callback into Python; what is damaged may not even be text.
    sys.unraisablehook = lambda _: None


def _waited(child: int) -> int:
    """Wait, passing on what ends a command; the terminal's interrupt reaches the child itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
