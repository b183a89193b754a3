"""The command's work in a process of its own: LightGBM ends its process on some damaged texts."""

import os
import resource
import signal
import sys
from collections.abc import Callable

# A child ended by one of these crashed; another signal was sent by somebody, and is passed on.
CRASHES = {
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGKILL, signal.SIGSEGV,
}  # fmt: skip
WAITED_FOR = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM}
CRASHED = (
    "convert: a library ended the process ({name}) on this model: damaged, or too large for the "
    "memory; nothing was written"
)
# Processor time a command may take; the largest models tried take some minutes.
MOST_SECONDS = 7_200
ENDLESS = "convert: stopped after {seconds} s of processor time: damaged, or far too large a model"


def guarded(work: Callable[[], int], seconds: int = MOST_SECONDS) -> int:
    """Run `work` in a forked child and return its exit code; 2 and one line where it crashes.

    The same where it takes more than `seconds` of processor time.

    To be called before libraries are imported: what has no threads yet can be forked.
    """
    sys.stdout.flush()
    # Blocked, a signal waits until it is asked for: none comes too early, and none in between.
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # what is ignored, as by default, may not wait
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED_FOR)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        soft = seconds if most == resource.RLIM_INFINITY else min(seconds, most)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, most))
        _quiet_libraries()
        sys.exit(work())
    ended = _waited(child)
    if ended >= 0:
        return ended
    if (number := signal.Signals(-ended)) in CRASHES:
        print(CRASHED.format(name=number.name), file=sys.stderr)
        return 2
    if number == signal.SIGXCPU:
        print(ENDLESS.format(seconds=seconds), file=sys.stderr)
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
    while True:
        match signal.sigwait(WAITED_FOR):
            case signal.SIGTERM:
                os.kill(child, signal.SIGTERM)
            case signal.SIGCHLD:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)
