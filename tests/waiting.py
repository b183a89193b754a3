"""Wait until something is so, with a bound."""

import time
from collections.abc import Callable
from pathlib import Path

STOPPED, ZOMBIE = "T", "Z"


def until(condition: Callable[..., object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.05)


def state(pid: int) -> str:
    """Return the state of a process as the kernel writes it in one letter."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
