"""When to start again what has died: after a pause that doubles while it keeps dying young."""

import msgspec

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0


class Restart(msgspec.Struct, frozen=True):
    """A start that is due `at`, as by monotonic; `pause` is for the death of what is started."""

    at: float
    pause: float = FIRST_SECONDS
    is_admin: bool = False

    def later(self, now: float) -> "Restart":
        """Return the next try, where this one failed."""
        return Restart(now + self.pause, min(2 * self.pause, LONGEST_SECONDS), self.is_admin)


def after(began: float, pause: float, now: float, is_admin: bool = False) -> Restart:
    """Return the restart of what began at `began` and is dead `now`.

    It was young where it lived shorter than its `pause`, and then it waits that long. What lived
    longer is started at once, and the pause is the first again.
    """
    if now - began >= pause:
        return Restart(now, is_admin=is_admin)
    return Restart(now + pause, min(2 * pause, LONGEST_SECONDS), is_admin)
