"""What the figures depend on: the machine, the versions and the commit."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "lightgbm", "numpy", "pandas", "onnxruntime", "onnxmltools", "msgspec", "starlette", "uvicorn",
    "uvloop", "httptools",
)  # fmt: skip


class Host(msgspec.Struct, frozen=True):
    """A machine: processor, logical cores, memory in GiB, kernel, load average at the start."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    load_average: float


@cache
def describe() -> Host:
    """Return this machine as it was at the first call, before it is loaded."""
    memory = round(psutil.virtual_memory().total / 2**30, 1)
    system = f"{platform.system()} {platform.release()}"
    load = round(os.getloadavg()[0], 1)
    return Host(cpu_name(), os.cpu_count() or 1, memory, system, load)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that processes have used, to the nanosecond."""
    threads = (file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


def cpu_name() -> str:
    """Return the processor's name as the kernel gives it, or its architecture."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str:
    """Return the commit at the first call, marked if tracked files were changed."""
    head = git("rev-parse", "--short=12", "HEAD")
    if not head:
        return "not a git checkout"
    measured = ("server", "monitoring", "bench/*.py")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *measured)
    return f"{head} with changes" if changed else head


def git(*arguments: str) -> str:
    """Return git's output, or "" if it fails."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the person has
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
