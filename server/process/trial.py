"""Loading tried in a process that may die of it: a crash, a hang or an exception is one line here.

What it proved is told by hash, so that the caller then loads those very bytes and no others.
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
    """One line of the pipe: which bundle is loaded now, or how it ended."""

    at: str | None = None
    error: str | None = None
    proof: Proof | None = None


class Trial:
    """A child that does `work` and tells how it went; `end` is when its time is over."""

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
        """Read what was told; returns whether that was all."""
        came = os.read(self.pipe, 65536)
        self._heard += came
        return not came or len(self._heard) > ENOUGH

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitpid(self.pid, 0)[1]
        os.close(self.pipe)

    def result(self) -> Proof:
        """End it and return what it proved; raises BundleError with one line that says why not."""
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
    """Return what a line says; None where the process died in the middle of it."""
    try:
        return msgspec.json.decode(line, type=Told)
    except msgspec.DecodeError:
        return None


def cause_of(status: int) -> str:
    """Say how a process ended."""
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def confine() -> None:
    """Keep a crash quiet: no core file, no trace, no words; and be the first to lack memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with suppress(OSError):  # not Linux, or a sandbox
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_BE_KILLED)


def tell(pipe: int, work: Work) -> None:
    """Do the work and tell how it ended, whatever it raises: it need not be foreseen."""

    def say(told: Told) -> None:
        os.write(pipe, msgspec.json.encode(told) + b"\n")

    told = None
    try:
        told = Told(proof=work(lambda path: say(Told(at=shown(str(path))))))
    finally:
        say(told or Told(error=line_of(sys.exception())))


def line_of(error: BaseException | None) -> str:
    """Return what an exception says, in one line that is not too long; its kind if not ours."""
    text = " ".join(str(error).split())
    if not isinstance(error, BundleError):
        text = f"{type(error).__name__}: {text}"
    return shown(text[:LONGEST_LINE])


def shown(text: str) -> str:
    """Return the text with what UTF-8 cannot hold, as in an odd file name, made visible."""
    return text.encode(errors="backslashreplace").decode()


def prove(work: Work, seconds: float) -> Proof:
    """Try it and wait for the end; returns what it proved. Raises BundleError and OSError."""
    trial = Trial(work, lambda: None, seconds)
    with selectors.DefaultSelector() as selector:
        selector.register(trial.pipe, selectors.EVENT_READ)
        while selector.select(max(0.0, trial.end - monotonic())):
            if trial.hear():
                break
    return trial.result()


def try_first(seconds: float) -> TryFirst:
    """Return what makes a model in a process of its own, in so many seconds, before it is made."""

    def tried(path: Path, make: Callable[[], object]) -> None:
        def work(begin: Begin) -> Proof:
            begin(path)
            make()
            return frozenset()

        prove(work, seconds)

    return tried
