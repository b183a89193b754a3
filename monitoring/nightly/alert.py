"""Say a change of verdict once, to a command or a webhook; never twice for the same state."""

import fcntl
import json
import os
import shlex
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec

from ..drift.result import STABLE, Drift
from ..errors import MonitoringError
from ..markup import chat

STATE = "alert-state.json"
ATTEMPTS = 4
FIRST_PAUSE = 1.0
SCHEMES = ("http://", "https://")
TIMEOUT = 30.0
"""Seconds for one attempt; a hanging one must not keep the next run waiting."""


class AlertError(MonitoringError):
    """The alert could not be delivered; the next run tries again."""


def address(path: Path) -> str:
    """Return the webhook's address out of a file that holds nothing else. Raises AlertError.

    As an argument, everyone who may list the processes of the machine would read it.
    """
    if "//" in str(path) or ":/" in str(path):
        raise AlertError("--alert-webhook: wanted a file that holds the address, got an address")
    try:
        words = path.read_text("utf-8").split()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise AlertError(f"--alert-webhook: {path}: {said}") from error
    if len(words) != 1:
        raise AlertError(f"--alert-webhook: {path}: wanted one address, got {len(words)} words")
    if not words[0].startswith(SCHEMES):
        raise AlertError(f"--alert-webhook: {path}: wanted an address of http:// or https://")
    return words[0]


def tell(
    drift: Drift, folder: Path, command: str | None, webhook: str | None, pause: float = FIRST_PAUSE
) -> list[str]:
    """Deliver the verdict where it differs from what was last told; returns the channels told.

    Each channel remembers its own last state in `folder`, written after delivery: a failed one is
    tried again by the next run, one that succeeded is not told again. Raises AlertError when all
    channels have been tried.
    """
    state = f"{drift.model.name} {drift.model.version} {drift.status} {drift.level}"
    body = payload(drift)
    channels: dict[str, Callable[[], None]] = {}
    if command:
        channels["command"] = lambda: run_command(command, drift, body)
    if webhook:
        channels["webhook"] = lambda: post(webhook, body)
    told, failed = [], []
    with _remembered(folder / STATE) as last:
        for channel, deliver in channels.items():
            if _is_news(state, last.get(channel), drift):
                try:
                    _patiently(deliver, pause)
                except AlertError as error:
                    failed.append(f"--alert-{channel}: {error}")
                    continue
                told.append(channel)
            last[channel] = state
    if failed:
        raise AlertError("; ".join(failed))
    return told


def _patiently(deliver: Callable[[], None], pause: float) -> None:
    """Deliver, again after a growing pause where it fails. Raises AlertError."""
    for attempt in range(ATTEMPTS):
        try:
            return deliver()
        except AlertError as error:
            failed = error
        if attempt + 1 < ATTEMPTS:
            time.sleep(pause * 2**attempt)
    raise AlertError(f"not delivered in {ATTEMPTS} attempts, the next run tries again: {failed}")


def _is_news(state: str, last: str | None, drift: Drift) -> bool:
    """A first run that finds nothing is no change of verdict."""
    return drift.status != STABLE if last is None else state != last


def payload(drift: Drift) -> bytes:
    """Return the alert as JSON; `text` is what chat tools show."""
    model = f"{drift.model.name} {drift.model.version}"
    reasons = "; ".join(drift.reasons[:5]) or "nothing has drifted"
    message = {
        "text": chat(f"{model}: {drift.status} ({drift.level}). {reasons}"),
        "status": drift.status,
        "level": drift.level,
        "model": drift.model.name,
        "version": drift.model.version,
        "rows": drift.rows.current,
        "time": drift.time,
        "reasons": drift.reasons,
    }
    return json.dumps(message).encode()


def run_command(command: str, drift: Drift, body: bytes, patience: float = TIMEOUT) -> None:
    """Run a command with the alert on its stdin and its heart in CREDIT_DRIFT_*.

    One that takes more than `patience` seconds is ended. Raises AlertError.
    """
    said = {"CREDIT_DRIFT_STATUS": drift.status, "CREDIT_DRIFT_LEVEL": drift.level}
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, not through a shell
            shlex.split(command), input=body, env=os.environ | said, check=False, timeout=patience
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise AlertError(f"{command}: {error}") from error
    if done.returncode:
        raise AlertError(f"{command}: exit code {done.returncode}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A followed redirect turns the POST into a GET, whose answer is no delivery."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none: the answer itself is the error."""


def post(url: str, body: bytes) -> None:
    """POST the alert. Raises AlertError; the address may hold a secret, and is not repeated."""
    if not url.startswith(SCHEMES):
        raise AlertError("wanted an address of http:// or https://")
    headers = {"Content-Type": "application/json"}
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked
        with opener.open(request, timeout=TIMEOUT):
            return
    except (OSError, ValueError, HTTPException) as error:
        raise AlertError(str(error) or type(error).__name__) from error


@contextmanager
def _remembered(path: Path) -> Iterator[dict[str, str]]:
    """Hold what was last told, by channel; one run at a time. Written back also after a failure.

    Raises AlertError where it cannot be kept: an alert that is not remembered comes every night.
    """
    try:
        with path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            last = _parsed(file.read())
            try:
                yield last
            finally:
                file.truncate(0)
                file.write(json.dumps(last))
    except OSError as error:
        raise AlertError(f"{path}: {error.strerror}") from error


def _parsed(text: str) -> dict[str, str]:
    """Return what was remembered; nothing where the file is new or was cut short."""
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        return {}
