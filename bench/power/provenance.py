"""What a measured number depends on: the day, the commit, the machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]


class Provenance(msgspec.Struct):
    """When, of which commit and on what machine; `load_average` of the minute before."""

    date: str
    commit: str
    cpu: str
    cores: int
    system: str
    load_average: float

    def __str__(self) -> str:
        """Return it as a page says it."""
        return (
            f"Measured {self.date} at commit {self.commit} on {self.cpu}, {self.cores} cores,"
            f" {self.system}, load average {self.load_average:.1f} at the start."
        )


def said_of(measured: Provenance | None) -> str:
    """Say it in a sentence; a result of before it was kept has none."""
    return str(measured) if measured else "Measured before commit and machine were kept."


def provenance() -> Provenance:
    """Return that of this moment: ask before measuring."""
    return Provenance(
        date=datetime.now(UTC).date().isoformat(),
        commit=_commit(),
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        load_average=round(os.getloadavg()[0], 1),
    )


def _commit() -> str:
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return "unknown"
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "monitoring")
    return f"{head} with changes" if changed else head


def _git(*arguments: str) -> str:
    """Return what git prints; nothing where there is no git, or no checkout."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the person has
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _cpu() -> str:
    """Return the processor as Linux names it; its architecture elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
