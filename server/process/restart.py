"""When to restart a dead process: after a pause that doubles while it keeps dying young."""

import msgspec

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0


class Restart(msgspec.Struct, frozen=True):
    """A restart due at `at` (monotonic); `pause` is used if the new process dies young."""

    at: float
    pause: float = FIRST_SECONDS
    is_admin: bool = False

    def later(self, now: float) -> "Restart":
        """Return the next try after a failed start."""
        return Restart(now + self.pause, min(2 * self.pause, LONGEST_SECONDS), self.is_admin)


def after(began: float, pause: float, now: float, is_admin: bool = False) -> Restart:
    """Return the restart of a process that began at `began` and died `now`.

    It died young if it lived shorter than its `pause`, and then it waits that long. Otherwise it is
    restarted at once, with the initial pause.
    """
    if now - began >= pause:
        return Restart(now, is_admin=is_admin)
    return Restart(now + pause, min(2 * pause, LONGEST_SECONDS), is_admin)
