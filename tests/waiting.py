"""Wait until something is so, with a bound."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

ASLEEP, STOPPED, ZOMBIE = "S", "T", "Z"


def until(condition: Callable[..., object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.05)


def until_said(capfd: pytest.CaptureFixture[str], words: str) -> None:
    """Wait until a process that writes to our stderr says so."""
    heard: list[str] = []

    def is_said() -> bool:
        heard.append(capfd.readouterr().err)
        return words in "".join(heard)

    until(is_said)


def state(pid: int) -> str:
    """Return the state of a process as the kernel writes it in one letter."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
