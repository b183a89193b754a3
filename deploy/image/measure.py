"""Measure the built image: size, time to the first answer, its parts, memory.

    python deploy/image/measure.py --image credit-express      writes bench/results/image.json

Needs docker and the right to read /proc of the containers (root). Progress goes to stderr.
"""

# ruff: noqa: S603, S607 - docker, zstd and git are whichever the person has
import argparse
import gzip
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "image.json"
APPLICANT = ROOT / "models" / "credit-express" / "applicant.json"
DOCKER = os.environ.get("DOCKER", "docker")
LOCKED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host"]
Row = dict[str, str | int | float]

EMPTY = "import socket, sys; socket.create_server(('127.0.0.1', int(sys.argv[1]))).accept()"
PARTS = """
import gc, json, os
from time import process_time as now
found, began = {}, now()
found["interpreter"] = began
def took(name):
    global began
    found[name], began = now() - began, now()
gc.disable()
from server import deferred
deferred.package("logging.config")
deferred.package("uvicorn", Config="uvicorn.config", Server="uvicorn.server")
import msgspec; took("import msgspec")
import numpy; took("import numpy")
import onnxruntime; took("import onnxruntime")
import asyncio, ssl, uvloop, httptools; took("import asyncio, ssl, uvloop, httptools")
import uvicorn.server, uvicorn.protocols.http.httptools_impl; took("import of uvicorn what serves")
import server.cli; took("import server")
gc.freeze(); gc.enable()
from server import settings
from server.scoring import catalog
catalog.load_all(settings.read(os.environ, {})); took("models loaded, golden rows scored")
import starlette.applications, server.http.rest; took("later: Starlette")
print(json.dumps(found))
"""


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="credit-express")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    rows = [
        *sizes(chosen.image), *starts(chosen.image, chosen.repeats),
        *parts(chosen.image, chosen.repeats), *memory(chosen.image),
    ]  # fmt: skip
    chosen.out.write_text(json.dumps(described(rows, chosen.repeats), indent=1) + "\n")
    print(f"wrote {chosen.out}", file=sys.stderr)
    return 0


def sizes(image: str) -> Iterator[Row]:
    """Yield the size of the image as files and as a registry or a disk would compress it, MB."""
    one = docker("image", "inspect", "-f", "{{.Id}}", image).strip()  # a name saves its every tag
    saved = subprocess.run([DOCKER, "save", one], capture_output=True, check=True).stdout
    zstd = subprocess.run(["zstd", "-19", "-T0"], input=saved, capture_output=True, check=True)
    unpacked = int(docker("image", "inspect", "-f", "{{.Size}}", image))
    for part, size in (
        ("uncompressed", unpacked), ("gzip -6", len(gzip.compress(saved, 6))),
        ("zstd -19", len(zstd.stdout)),
    ):  # fmt: skip
        yield told({"measure": "size", "part": part, "size_mb": round(size / 1e6, 1)})


def starts(image: str, repeats: int) -> Iterator[Row]:
    """Yield the time from `docker run` to an answer, of nothing and of the server, in turns.

    Last, the CPU time of the server's processes until then, which other work changes less.
    """
    empty = ["--entrypoint=/usr/bin/python3.11"], ["-ISc", EMPTY]
    took: dict[str, list[float]] = {"an empty container accepts": [], "the first score": []}
    for _ in range(repeats):
        port = free_port()
        took["an empty container accepts"].append(
            start(image, port, empty[0], [*empty[1], str(port)], connects)
        )
        took["the first score"].append(start(image, free_port(), [], [], scores))
    for part, values in took.items():
        yield told({"measure": "start", "part": part, **spread(values)})
    used = [used_until_score(image) for _ in range(repeats)]
    part = "the first score, CPU time of all processes"
    yield told({"measure": "start", "part": part, **spread(used)})


def start(
    image: str, port: int, options: list[str], arguments: list[str], answers: Callable[[int], bool]
) -> float:
    """Return the ms from typing `docker run` to the first answer."""
    began = time.perf_counter()
    with container(image, port, options, arguments):
        while not answers(port):
            time.sleep(0.001)
        return (time.perf_counter() - began) * 1e3


def used_until_score(image: str) -> float:
    """Return the CPU time of a container's processes when it has scored once, ms."""
    port = free_port()
    with container(image, port, [], []):
        while not scores(port):
            time.sleep(0.001)
        return sum(map(cpu_ms, processes(port)))


@contextmanager
def container(
    image: str, port: int, options: list[str], arguments: list[str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a container until the block ends."""
    name = f"credit-measure-{port}"
    command = [DOCKER, "run", "--name", name, *LOCKED, *options, "--env", f"CREDIT_PORT={port}"]
    with subprocess.Popen([*command, image, *arguments], stdout=subprocess.DEVNULL) as run:
        try:
            yield run
        finally:
            docker("rm", "--force", "--volumes", name)


def connects(port: int) -> bool:
    """Whether somebody listens."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def scores(port: int) -> bool:
    """Whether an applicant is scored."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/score", APPLICANT.read_bytes(),
        {"content-type": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def parts(image: str, repeats: int) -> Iterator[Row]:
    """Yield the CPU time of each part of a start, ms, inside the container."""
    runs = []
    for _ in range(repeats):
        options = ["--rm", *LOCKED, "--entrypoint=/usr/bin/python3.11"]
        runs.append(json.loads(docker("run", *options, image, "-c", PARTS)))
    for part in runs[0]:
        yield told({"measure": "part", "part": part, **spread([run[part] * 1e3 for run in runs])})


def memory(image: str) -> Iterator[Row]:
    """Yield the proportional set size of all processes after some scores, MiB."""
    for workers in (1, 2, 4):
        port = free_port()
        with container(image, port, [], ["--workers", str(workers)]):
            while not scores(port):
                time.sleep(0.01)
            done = sum(scores(port) for _ in range(200))
            pids = processes(port)
            total = sum(map(pss, pids))
        part = f"{workers} worker{'s' * (workers > 1)}"
        yield told(
            {"measure": "memory", "part": part, "processes": len(pids), "scores": done,
             "pss_mib": round(total, 1)}
        )  # fmt: skip


def processes(port: int) -> list[int]:
    """Return the process ids of the container that serves `port`, faster than docker tells them."""
    wanted = f"CREDIT_PORT={port}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # gone, or a kernel thread
            if wanted in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
    return found


def cpu_ms(pid: int) -> float:
    """Return the CPU time of a process, ms."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def pss(pid: int) -> float:
    """Return the proportional set size of a process, MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:") / 1024


def spread(values: list[float]) -> Row:
    """Return median, smallest and largest, ms."""
    return {
        "median_ms": round(statistics.median(values), 1),
        "min_ms": round(min(values), 1),
        "max_ms": round(max(values), 1),
        "repeats": len(values),
    }


def told(row: Row) -> Row:
    """Show progress."""
    print(*(f"{name}={value}" for name, value in row.items()), file=sys.stderr)
    return row


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def docker(*arguments: str) -> str:
    """Return what docker prints."""
    command = [DOCKER, *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def described(rows: list[Row], repeats: int) -> dict[str, Any]:
    """Return the result file: rows, and what they depend on."""
    names = [line.split(":")[1].strip() for line in cpu_lines()]
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "name": "image",
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit,
        "quick": False,
        "host": {
            "cpu": names[0] if names else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(memory_bytes() / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}",
            "load_average": round(os.getloadavg()[0], 1),
        },
        "versions": {"docker": docker("version", "-f", "{{.Server.Version}}").strip()},
        "method": {
            "start": "wall clock from `docker run` to the first answer, polled every ms, read-only "
            "root, no capabilities, host network; the empty container is the same image with an "
            "interpreter that only listens",
            "part": "CPU time inside the container, one process, in this order",
            "CPU time": "from /proc/PID/schedstat, summed over the container's processes",
            "memory": "sum of the proportional set sizes of all processes after 200 scores",
            "repeats": repeats,
        },
        "rows": rows,
    }  # fmt: skip


def memory_bytes() -> int:
    """Return the memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def cpu_lines() -> list[str]:
    """Return the lines of /proc/cpuinfo that name the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return [line for line in lines if line.startswith("model name")]


if __name__ == "__main__":
    raise SystemExit(main())
