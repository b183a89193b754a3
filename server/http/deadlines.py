"""How long a client may take for its head, its body and its answers, and between two requests."""

from math import inf

from .limits import Limits


class Deadlines:
    """The clocks of one connection: the loop's time when each began, None if it is stopped.

    `waiting_since` runs while a request is awaited or incomplete, `idle_since` between two
    requests, `stalled_since` while the client does not take its answer.
    """

    __slots__ = ("_limits", "idle_since", "stalled_since", "waiting_since")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.idle_since: float | None = None
        self.stalled_since: float | None = None
        self.waiting_since: float | None = None

    def wait(self, now: float) -> None:
        """Start waiting for a request, or for the rest of one."""
        self.idle_since = None
        if self.waiting_since is None:
            self.waiting_since = now

    def stop(self) -> None:
        """Expect nothing from the client except that it takes its answers."""
        self.idle_since = self.waiting_since = None

    def idle(self) -> float:
        """Return when the connection must close if it stays idle."""
        since = self.idle_since
        return inf if since is None else since + self._limits.keep_alive_seconds

    def stalled(self) -> float:
        """Return until when the client must take its answers."""
        since = self.stalled_since
        return inf if since is None else since + self._limits.answer_seconds

    def slow(self, in_body: bool) -> float:
        """Return until when the client must take its answers and send its head or body."""
        since, limits = self.waiting_since, self._limits
        if since is None:
            return self.stalled()
        seconds = limits.body_seconds if in_body else limits.head_seconds
        return min(self.stalled(), since + seconds)
