"""A worker's memory by mapping (smaps), and what a request leaves allocated (tracemalloc)."""

import gc
import re
import tracemalloc
from collections import Counter
from pathlib import Path

import msgspec
import psutil

from server.http import app

from .. import stages
from ..load import body, servers, subjects
from ..load.generator import Plan
from ..progress import say
from ..result import Row
from ..workload.models import Workload

HEADER = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")
PACKAGE = re.compile(r"/(?:site|dist)-packages/([^/.]+)")
SECONDS, CONNECTIONS = 1.0, 8


def measure(workload: Workload, requests: int) -> list[Row]:
    """Return MiB of a loaded worker by mapping, and the bytes that requests leave and need."""
    say(f"memory {workload.size.name}")
    return [
        {"model": workload.size.name, **row}
        for row in (*mapped(workload), *traced(workload, requests))
    ]


def mapped(workload: Workload) -> list[Row]:
    """Return the proportional set size of a worker under load, largest mapping first."""
    ours = subjects.OURS
    requests = body.json_documents("/score", workload.documents(workload.rows(500)))
    with servers.running(ours, workload, requests) as server:
        servers.load(server, Plan(server.port, CONNECTIONS, SECONDS))
        [worker] = psutil.Process(server.process.pid).children()
        found = by_owner(Path(f"/proc/{worker.pid}/smaps").read_text())
    rows: list[Row] = [
        {"what": owner, "mib": round(kib / 1024, 1)} for owner, kib in found.most_common()
    ]
    return [*rows, {"what": "worker in all", "mib": round(sum(found.values()) / 1024, 1)}]


def by_owner(smaps: str) -> Counter[str]:
    """Return the proportional set size in KiB of each owner of a mapping."""
    found: Counter[str] = Counter()
    owner = ""
    for line in smaps.splitlines():
        if header := HEADER.match(line):
            owner = owner_of(header[1])
        elif line.startswith("Pss:"):
            found[owner] += int(line.split()[1])
    return found


def owner_of(path: str) -> str:
    """Return a mapping's owner: a package, the interpreter, anonymous memory, or other files."""
    if not path.startswith("/"):
        return "heap, stacks, anonymous"
    if package := PACKAGE.search(path):
        return package[1].removesuffix("_libs")
    return "Python" if "python" in path.rpartition("/")[2] else "other files"


def traced(workload: Workload, requests: int) -> list[Row]:
    """Return Python's allocations per request in bytes: what stays, and the peak."""
    documents = workload.documents(workload.rows(requests))
    bodies = [msgspec.json.encode(document) for document in documents]
    with stages.opened(workload) as services:
        scores = app.scores(services)
        for each in bodies[:100]:
            stages.whole(scores, each)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for each in bodies:
            stages.whole(scores, each)
        gc.collect()
        left = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.reset_peak()
        base = tracemalloc.get_traced_memory()[0]
        stages.whole(scores, bodies[0])
        most = tracemalloc.get_traced_memory()[1] - base
        tracemalloc.stop()
    return [
        {"what": f"left by {requests} requests, each", "bytes": round(left / requests, 1)},
        {"what": "one request at its peak", "bytes": most},
    ]
