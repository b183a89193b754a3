"""What contributions cost: ours beside a score, LightGBM's pred_contrib and the peers'."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .. import environments
from ..host import ROOT
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from .ways import PEERS


def measure(workload: Workload, rounds: int, rows: int, peers: bool) -> list[Row]:
    """Return a row for each way; each peer is measured in a process of its own."""
    found = timed(workload, "", None, rounds, rows)
    known = {row["label"] for row in found}
    for peer, (environment, _) in PEERS.items() if peers else ():
        more = timed(workload, peer, environment, rounds, rows)
        found += [row for row in more if row["label"] not in known]
    return [{"model": workload.size.name, **row} for row in found]


def timed(
    workload: Workload, peer: str, environment: str | None, rounds: int, rows: int
) -> list[Row]:
    """Run the child, with a peer or without."""
    say(f"contributions, {workload.size.name}, {peer or 'alone'}")
    python = environments.python_of(environment)
    if python is None:
        return [{"label": peer, "error": environments.why_not(environment)}]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, workload.rows(rounds * rows))
        command: list[str | Path] = [python, "-m", "bench.contributions.child", peer, workload.text,
                   workload.bundle, file, str(rounds)]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [{"label": peer, "error": last}]
    found: list[Row] = json.loads(done.stdout.splitlines()[-1])
    return found
