"""Run the command in a child process: LightGBM aborts its process on some damaged models."""

import os
import resource
import signal
import sys
from collections.abc import Callable

# A child that ended with one of these crashed. Any other signal was sent on purpose.
CRASHES = {
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGKILL, signal.SIGSEGV,
}  # fmt: skip
WAITED_FOR = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM}
CRASHED = (
    "convert: a library ended the process ({name}) on this model: the file is damaged, or too "
    "large for the memory; nothing was written"
)
# Limit on a command's processor time; the largest models tried took some minutes.
MOST_SECONDS = 7_200
ENDLESS = (
    "convert: stopped after {seconds} s of processor time: the model is damaged, or far too large"
)


def guarded(work: Callable[[], int], seconds: int = MOST_SECONDS) -> int:
    """Run `work` in a forked child process and return its exit code.

    If the child crashes or uses more than `seconds` of processor time, print one line and return 2.
    A child that was stopped by another signal gives 128 + that signal's number, as in a shell.

    Call this before any library is imported: only a process without threads can be forked safely.
    """
    sys.stdout.flush()
    # Blocked signals stay pending until sigwait: none is lost before the loop or between turns.
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # an ignored signal might not stay pending
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
    """Send what C++ libraries print to /dev/null; keep stdout and stderr for our own lines."""
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    # LightGBM logs through a Python callback; text from a damaged model may not decode.
    sys.unraisablehook = lambda _: None


def _waited(child: int) -> int:
    """Wait for the child and return its exit code (negative: the signal that ended it).

    SIGTERM is passed on to the child. The terminal sends SIGINT (Ctrl-C) to the child itself.
    """
    while True:
        match signal.sigwait(WAITED_FOR):
            case signal.SIGTERM:
                os.kill(child, signal.SIGTERM)
            case signal.SIGCHLD:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)
