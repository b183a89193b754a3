"""The supervisor's side of the admin process: one socket for each of its lives, lines both ways."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from .fork import fork
from .restart import FIRST_SECONDS, Restart, after

LONGEST_LINE = 1 << 16
# If the process does not read its replies for this long, it counts as dead.
ANSWER_SECONDS = 5.0
Serve = Callable[[socket.socket], None]


class Asking:
    """Starts the process, reads its commands, answers, and says when to start it again."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._began, self._pause = 0.0, FIRST_SECONDS
        self._heard = b""
        self.pid = 0
        self.socket: socket.socket | None = None

    def start(self, let_go: Callable[[], None], pause: float) -> socket.socket:
        """Fork it; `let_go` closes what it must not hold. Return our end of the socket.

        Raises OSError.
        """
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER_SECONDS)

        def work() -> None:
            ours.close()
            let_go()
            self._serve(theirs)

        self._began, self._pause, self._heard = monotonic(), pause, b""
        try:
            self.pid = fork(work, signal.SIGKILL)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.socket = ours
        return ours

    def hear(self) -> list[bytes] | None:
        """Return the lines received; None if no more will come."""
        came = self.socket.recv(LONGEST_LINE) if self.socket else b""
        *lines, self._heard = (self._heard + came).split(b"\n")
        if not came or len(self._heard) > LONGEST_LINE:
            return None
        return lines

    def answer(self, line: bytes) -> None:
        """Send a line; a process that does not take it is killed."""
        if self.socket is not None:
            try:
                self.socket.sendall(line + b"\n")
            except OSError:
                self.kill()

    def kill(self) -> None:
        """Kill it; its death is noticed like any other."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close our end."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def died(self) -> Restart:
        """Return when to start it again."""
        self.pid = 0
        return after(self._began, self._pause, monotonic(), is_admin=True)
