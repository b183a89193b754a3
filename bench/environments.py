"""Build each peer's environment from bench/peers/<name>/requirements.txt, in build/peers/<name>."""

import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

from .host import ROOT
from .progress import say

PEERS = Path(__file__).parent / "peers"
BUILD = ROOT / "build" / "peers"
FAILED = "failed.txt"


class PeerError(Exception):
    """An environment that could not be built; the message is pip's last line."""


def python_of(name: str | None) -> Path | None:
    """Return a peer's interpreter: ours for None, and None if it was not built."""
    if name is None:
        return Path(sys.executable)
    python = BUILD / name / "bin" / "python"
    return python if (BUILD / name / "installed.txt").exists() else None


def why_not(name: str | None) -> str | None:
    """Return why a peer has no environment, None if it has one."""
    if python_of(name) is not None:
        return None
    said = BUILD / (name or "") / FAILED
    return (
        said.read_text().strip() if said.exists() else "no environment: make bench-peers builds it"
    )


def build(name: str) -> Path:
    """Build the environment unless it exists with the same requirements; return its python.

    Raises PeerError; pip's message is kept for the tables.
    """
    wanted = (PEERS / name / "requirements.txt").read_bytes()
    home = BUILD / name
    mark, python = home / "installed.txt", home / "bin" / "python"
    if mark.exists() and mark.read_bytes() == wanted:
        return python
    say(f"building the environment of {name}")
    venv.create(home, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--requirement", str(PEERS / name / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        said = (errors or [done.stderr.strip() or "pip said nothing"])[0]
        (home / FAILED).write_text(said)
        raise PeerError(said)
    mark.write_bytes(wanted)
    return python


def build_all(wanted: Iterable[str]) -> None:
    """Build several; who cannot be built is reported here, and in the tables by `why_not`."""
    for name in wanted:
        try:
            build(name)
        except PeerError as error:
            say(f"{name}: {error}")
