"""Say a change of verdict once, to a command or a webhook; never twice for the same state."""

import fcntl
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .drift.result import STABLE, Drift
from .errors import MonitoringError

STATE = "alert-state.json"
ATTEMPTS = 4
FIRST_PAUSE = 1.0
TIMEOUT = 10.0


class AlertError(MonitoringError):
    """The alert could not be delivered; the next run tries again."""


def tell(
    drift: Drift, folder: Path, command: str | None, webhook: str | None, pause: float = FIRST_PAUSE
) -> list[str]:
    """Deliver the verdict where it differs from what was last told; returns the channels told.

    Each channel remembers its own last state in `folder`, written after delivery: a failed one is
    tried again by the next run, one that succeeded is not told again. Raises AlertError.
    """
    state = f"{drift.model.name} {drift.model.version} {drift.status} {drift.level}"
    body = payload(drift)
    channels: dict[str, Callable[[], None]] = {}
    if command:
        channels["command"] = lambda: run_command(command, drift, body)
    if webhook:
        channels["webhook"] = lambda: post(webhook, body, pause)
    told = []
    with _remembered(folder / STATE) as last:
        for channel, deliver in channels.items():
            if _is_news(state, last.get(channel), drift):
                deliver()
                told.append(channel)
            last[channel] = state
    return told


def _is_news(state: str, last: str | None, drift: Drift) -> bool:
    """A first run that finds nothing is no change of verdict."""
    return drift.status != STABLE if last is None else state != last


def payload(drift: Drift) -> bytes:
    """Return the alert as JSON; `text` is what chat tools show."""
    model = f"{drift.model.name} {drift.model.version}"
    reasons = "; ".join(drift.reasons[:5]) or "nothing has drifted"
    message = {
        "text": f"{model}: {drift.status} ({drift.level}). {reasons}",
        "status": drift.status,
        "level": drift.level,
        "model": drift.model.name,
        "version": drift.model.version,
        "rows": drift.rows.current,
        "time": drift.time,
        "reasons": drift.reasons,
    }
    return json.dumps(message).encode()


def run_command(command: str, drift: Drift, body: bytes) -> None:
    """Run a command with the alert on its stdin and its heart in CREDIT_DRIFT_*.

    Raises AlertError.
    """
    said = {"CREDIT_DRIFT_STATUS": drift.status, "CREDIT_DRIFT_LEVEL": drift.level}
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, not through a shell
            shlex.split(command), input=body, env=os.environ | said, check=False
        )
    except (OSError, ValueError) as error:
        raise AlertError(f"--alert-command {command}: {error}") from error
    if done.returncode:
        raise AlertError(f"--alert-command {command}: exit code {done.returncode}")


def post(url: str, body: bytes, pause: float) -> None:
    """POST the alert, again after a growing pause where the other side fails. Raises AlertError."""
    if not url.startswith(("http://", "https://")):
        raise AlertError(f"--alert-webhook: wanted http:// or https://, got {url}")
    for attempt in range(ATTEMPTS):
        failed = _post_once(url, body)
        if not failed:
            return
        print(f"alert: {failed}", file=sys.stderr)
        if attempt + 1 < ATTEMPTS:
            time.sleep(pause * 2**attempt)
    raise AlertError(f"--alert-webhook: not delivered in {ATTEMPTS} attempts; the next run retries")


def _post_once(url: str, body: bytes) -> str:
    """Return why it failed; empty where it was taken."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 - checked
            return ""
    except (urllib.error.URLError, OSError) as error:
        return str(error)


@contextmanager
def _remembered(path: Path) -> Iterator[dict[str, str]]:
    """Hold what was last told, by channel; one run at a time. Written back also after a failure."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = _parsed(file.read())
        try:
            yield last
        finally:
            file.truncate(0)
            file.write(json.dumps(last))


def _parsed(text: str) -> dict[str, str]:
    """Return what was remembered; nothing where the file is new or was cut short."""
    try:
        remembered: dict[str, str] = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return remembered
