"""Latency at shares of capacity, from the intended send time; and what the generator can do."""

from collections.abc import Sequence

import numpy as np

from ..distribution import quantiles, spread
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import servers, subjects
from .effort import Effort, label
from .generator import Plan, Report
from .servers import Running

CONNECTIONS, DISTINCT = 32, 500
SHARES = (0.5, 0.8)
# A limit that answers in the parser is faster than the generator can offer: not loaded open-loop.
CLOSED_ONLY = {"protocol", "asgi"}
# The generator is asked for no more than this share of what it does at most: it stays on time.
GENERATOR_SHARE, CEILING_SECONDS = 0.7, 1.0


def measure(
    started: Sequence[Running], workload: Workload, effort: Effort, capacity: dict[str, float]
) -> list[Row]:
    """Return a row per server and share of its capacity: latency from the intended send time."""
    opened = [each for each in started
              if each.subject.name not in CLOSED_ONLY and capacity[each.subject.name]]  # fmt: skip
    most = ceiling(workload)
    cells = [(server, share) for share in SHARES for server in opened]
    rates = [min(capacity[server.subject.name] * share, most * GENERATOR_SHARE)
             for server, share in cells]  # fmt: skip
    found: list[list[Report]] = [[] for _ in cells]
    for number in range(effort.rounds):
        for i, (server, _) in enumerate(cells):
            say(f"latency {number + 1}/{effort.rounds}: {server.subject.name} at {rates[i]:.0f}/s")
            plan = Plan(server.port, CONNECTIONS, effort.seconds, rates[i], number)
            found[i].append(servers.load(server, plan))
    return [
        {**label(server.subject, workload), "share": share, "offered": round(rates[i], 1),
         "of_capacity": round(rates[i] / capacity[server.subject.name], 3),
         "of_generator": round(rates[i] / most, 3), **merge(found[i])}
        for i, (server, share) in enumerate(cells)
    ]  # fmt: skip


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
    """Return what the generator offers and takes in at most, a second: against the bare protocol.

    Raises ServerError.
    """
    limit = subjects.BY_NAME["protocol"]
    with servers.running(
        limit, workload, limit.encode(workload)(workload.rows(DISTINCT))
    ) as server:
        report = servers.load(server, Plan(server.port, CONNECTIONS, CEILING_SECONDS))
    say(f"the generator does {report.per_second:.0f}/s at most")
    return report.per_second
