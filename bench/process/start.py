"""The cold start: from starting `python -m server` to its first answer, step by step."""

import json
import statistics
import subprocess
import sys
from time import perf_counter

from ..host import ROOT
from ..load import body, servers, subjects
from ..progress import say
from ..result import Row
from ..workload.models import Workload

REST = "routes, fork, socket, first answer"
WHOLE = "spawn to first answer"


def measure(workload: Workload, rounds: int) -> list[Row]:
    """Return a row per step, one for the remainder and one for the whole: medians over rounds."""
    say(f"cold start {workload.size.name}: {rounds} rounds")
    wholes, taken = [], []
    for _ in range(rounds):
        wholes.append(whole(workload))
        taken.append(steps(workload))
    middle = {step: statistics.median(each[step] for each in taken) for step in taken[0]}
    first = statistics.median(wholes)
    middle |= {REST: first - sum(middle.values()), WHOLE: first}
    return [
        {"model": workload.size.name, "step": step, "step_ms": round(value, 1),
         "share": round(value / first, 3), "samples": rounds}
        for step, value in middle.items()
    ]  # fmt: skip


def whole(workload: Workload) -> float:
    """Start the server, send one request, stop it; return milliseconds to the answer."""
    ours = subjects.OURS
    requests = body.json_documents("/score", workload.documents(workload.rows(1)))
    with servers.running(ours, workload, requests) as server:
        return server.start_s * 1e3


def steps(workload: Workload) -> dict[str, float]:
    """Run the steps in their own process; raises CalledProcessError."""
    command = [sys.executable, "-m", "bench.process.steps", str(workload.bundle)]
    with servers.on_core(servers.SERVER_CORE):
        done = subprocess.run(
            [*command, str(perf_counter())], cwd=ROOT, capture_output=True, text=True, check=True
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
