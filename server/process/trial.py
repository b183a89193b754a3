"""Try to load in a process that may die of it: a crash, a hang or an exception becomes one line.

The result is hashes, so that the caller then loads exactly the bytes that were tried.
"""

import faulthandler
import os
import resource
import selectors
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import msgspec

from ..bundle.manifest import BundleError
from ..scoring.care import Begin, Proof, TryFirst
from .fork import fork

Work = Callable[[Begin], Proof]
LONGEST_LINE = 2000
ENOUGH = 1 << 20
FIRST_TO_BE_KILLED = "1000"


class Told(msgspec.Struct, omit_defaults=True):
    """One line of the pipe: which bundle is being loaded, or how the trial ended."""

    at: str | None = None
    error: str | None = None
    proof: Proof | None = None


class Trial:
    """A child that does `work` and reports; `end` is when its time is over."""

    def __init__(self, work: Work, let_go: Callable[[], None], seconds: float) -> None:
        """Begin; `let_go` closes what the child must not hold. Raises OSError."""
        self._seconds = seconds
        self.end = monotonic() + seconds
        self._heard = b""
        self.status: int | None = None
        self.pipe, telling = os.pipe()

        def attempt() -> None:
            let_go()
            os.close(self.pipe)
            confine()
            tell(telling, work)

        try:
            self.pid = fork(attempt, signal.SIGKILL)
        except OSError:
            os.close(self.pipe)
            raise
        finally:
            os.close(telling)

    def hear(self) -> bool:
        """Read the reports; return whether they are complete."""
        came = os.read(self.pipe, 65536)
        self._heard += came
        return not came or len(self._heard) > ENOUGH

    def kill(self) -> None:
        """Kill it, whatever it is doing."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitpid(self.pid, 0)[1]
        os.close(self.pipe)

    def result(self) -> Proof:
        """End it and return the proof; raises BundleError with the reason."""
        is_late = monotonic() >= self.end
        self.kill()
        told = list(filter(None, map(told_by, self._heard.split(b"\n"))))
        for each in told:
            if each.error is not None:
                raise BundleError(each.error)
            if each.proof is not None:
                return each.proof
        at = next((each.at for each in reversed(told) if each.at), "the models")
        if is_late:
            raise BundleError(f"{at}: not loaded within {self._seconds:g} s")
        raise BundleError(f"{at}: loading it ended the process: {cause_of(self.status or 0)}")


def told_by(line: bytes) -> Told | None:
    """Return the content of a line; None if the process died in the middle of it."""
    try:
        return msgspec.json.decode(line, type=Told)
    except msgspec.DecodeError:
        return None


def cause_of(status: int) -> str:
    """Describe how a process ended."""
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def confine() -> None:
    """Silence crashes (no core file, no trace, no output) and be the first killed without
    memory.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with suppress(OSError):  # not Linux, or a sandbox
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_BE_KILLED)


def tell(pipe: int, work: Work) -> None:
    """Do the work and report how it ended, whatever it raises."""

    def say(told: Told) -> None:
        os.write(pipe, msgspec.json.encode(told) + b"\n")

    told = None
    try:
        told = Told(proof=work(lambda path: say(Told(at=shown(str(path))))))
    finally:
        say(told or Told(error=line_of(sys.exception())))


def line_of(error: BaseException | None) -> str:
    """Return an exception's message as one short line; only its type if it is not ours."""
    text = " ".join(str(error).split())
    if not isinstance(error, BundleError):
        text = f"{type(error).__name__}: {text}"
    return shown(text[:LONGEST_LINE])


def shown(text: str) -> str:
    """Return the text with characters escaped that UTF-8 cannot hold, as in odd file names."""
    return text.encode(errors="backslashreplace").decode()


def prove(work: Work, seconds: float) -> Proof:
    """Try it and wait for the end; return the proof. Raises BundleError and OSError."""
    trial = Trial(work, lambda: None, seconds)
    with selectors.DefaultSelector() as selector:
        selector.register(trial.pipe, selectors.EVENT_READ)
        while selector.select(max(0.0, trial.end - monotonic())):
            if trial.hear():
                break
    return trial.result()


def try_first(seconds: float) -> TryFirst:
    """Return a function that makes a model in a separate process first, within `seconds`."""

    def tried(path: Path, make: Callable[[], object]) -> None:
        def work(begin: Begin) -> Proof:
            begin(path)
            make()
            return frozenset()

        prove(work, seconds)

    return tried
