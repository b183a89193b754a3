"""Watch for growth under steady load: memory, descriptors, threads and latency, slice by slice.

example: python -m bench.soak --minutes 10     writes bench/results/soak.json
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

from . import result
from .distribution import quantiles
from .load import measure as load
from .load import servers, subjects
from .load.generator import Plan
from .progress import say
from .result import Row
from .workload import models

RATE, SLICES, CONNECTIONS = 500.0, 10, 32


class Plans(msgspec.Struct, frozen=True):
    """The duration, the number of slices, and the requests per second."""

    seconds: float
    slices: int = SLICES
    rate: float = RATE


def main(arguments: Sequence[str]) -> int:
    """Soak the server with the record on, and write the result."""
    parser = argparse.ArgumentParser(
        "python -m bench.soak", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, default=10.0, help="default 10")
    parser.add_argument("--rate", type=float, default=RATE, help=f"a second, default {RATE:.0f}")
    parser.add_argument("--out", type=Path, default=result.FOLDER, help="folder of the result")
    chosen = parser.parse_args(arguments)
    plans = Plans(chosen.minutes * 60, rate=chosen.rate)
    rows = measure(models.build(models.MIDDLE), plans)
    method = {"minutes": chosen.minutes, "requests a second": chosen.rate,
              "connections": CONNECTIONS}  # fmt: skip
    say(f"written: {result.write(result.make('soak', False, method, rows), chosen.out)}")
    return 0


def measure(workload: models.Workload, plans: Plans) -> list[Row]:
    """Return a row for each slice; each slice opens new connections."""
    ours = subjects.OURS
    requests = ours.encode(workload)(workload.rows(load.DISTINCT))
    length = plans.seconds / plans.slices
    rows = []
    with servers.running(ours, workload, requests) as server:
        for i in range(plans.slices):
            report = servers.load(server, Plan(server.port, CONNECTIONS, length, plans.rate, i))
            rows.append({
                "model": workload.size.name, "minute": round((i + 1) * length / 60, 2),
                **quantiles(report.latencies_us, "us"),
                "failed": report.failed + report.unanswered, **state(server),
            })  # fmt: skip
            say(f"soak {i + 1}/{plans.slices}: {rows[-1]['memory_mib']} MiB")
    return rows


def state(server: servers.Running) -> Row:
    """Return what may grow: MiB, open descriptors and threads of all its processes."""
    parent = psutil.Process(server.process.pid)
    family = [parent, *parent.children(recursive=True)]
    return {
        "memory_mib": server.memory_mib(),
        "descriptors": sum(each.num_fds() for each in family),
        "threads": sum(each.num_threads() for each in family),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
