"""Open-loop latency at shares of capacity, from the intended send time; and the generator's
limit.
"""

from collections.abc import Sequence
from statistics import median

import msgspec
import numpy as np

from ..distribution import quantiles, spread
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import servers, subjects
from .effort import Effort, label
from .generator import Plan, Report
from .saturation import saturate
from .servers import Running

CONNECTIONS, DISTINCT = 32, 500
SHARES = (0.5, 0.8)
# A limit that answers in the parser is faster than the generator can offer: not loaded open-loop.
CLOSED_ONLY = {"protocol", "asgi"}
CAPACITY_SECONDS, LEAST_CAPACITY = 1, 1.0  # who answers nothing for a second is asked on
# The generator is asked for no more than this share of what it does at most: it stays on time.
GENERATOR_SHARE, CEILING_SECONDS = 0.7, 1.0


class Round(msgspec.Struct, frozen=True):
    """One run, and the server's capacity per second, measured just before."""

    report: Report
    capacity: float
    offered: float


def measure(started: Sequence[Running], workload: Workload, effort: Effort) -> list[Row]:
    """Return a row per server and share of its capacity: latency from the intended send time.

    The capacity is measured just before each run. Half of what a machine did minutes ago may be
    more than it can do now; a queue would grow that says nothing about the server.
    """
    most = ceiling(workload)
    cells = [(server, share) for share in SHARES for server in started
             if server.subject.name not in CLOSED_ONLY]  # fmt: skip
    found: list[list[Round]] = [[] for _ in cells]
    for number in range(effort.rounds):
        for i, (server, share) in enumerate(cells):
            say(f"latency {number + 1}/{effort.rounds}: {server.subject.name} at {share:.0%}")
            found[i].append(run(server, share, most, effort.seconds, number))
    return [
        {**label(server.subject, workload), "share": share, **offers(found[i], most),
         **merge([each.report for each in found[i]])}
        for i, (server, share) in enumerate(cells)
    ]  # fmt: skip


def run(server: Running, share: float, most: float, seconds: float, seed: int) -> Round:
    """Offer a server a share of its current capacity."""
    now = saturate(server.port, server.requests, CONNECTIONS, CAPACITY_SECONDS)["per_second"]
    capacity = max(now, LEAST_CAPACITY)
    offered = min(capacity * share, most * GENERATOR_SHARE)
    report = servers.load(server, Plan(server.port, CONNECTIONS, seconds, offered, seed))
    return Round(report, capacity, offered)


def offers(rounds: Sequence[Round], most: float) -> Row:
    """Return the offered rate and its share of the server's and the generator's capacity:
    medians.
    """
    offered = median(each.offered for each in rounds)
    return {
        "offered": round(offered, 1),
        "of_capacity": round(median(each.offered / each.capacity for each in rounds), 3),
        "of_generator": round(offered / most, 3),
    }


def merge(rounds: Sequence[Report]) -> Row:
    """Return quantiles over the requests of all rounds, the spread of p50, and what failed."""
    latencies = np.concatenate([each.latencies_us for each in rounds])
    late = np.concatenate([each.late_us for each in rounds])
    known = [each.latencies_us for each in rounds if each.latencies_us]
    return {
        **quantiles(latencies.tolist(), "us"),
        "spread": spread([float(np.median(each)) for each in known]) if known else None,
        "failed": sum(each.failed + each.unanswered for each in rounds),
        "late_p99_us": quantiles(late.tolist(), "us")["p99_us"],
        "late_p50_us": quantiles(late.tolist(), "us")["p50_us"],
    }


def ceiling(workload: Workload) -> float:
    """Return the most requests per second the generator can offer, against the bare protocol.

    Raises ServerError.
    """
    limit = subjects.BY_NAME["protocol"]
    with servers.running(
        limit, workload, limit.encode(workload)(workload.rows(DISTINCT))
    ) as server:
        report = servers.load(server, Plan(server.port, CONNECTIONS, CEILING_SECONDS))
    say(f"the generator does {report.per_second:.0f}/s at most")
    return report.per_second
