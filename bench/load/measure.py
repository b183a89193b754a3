"""Servers under load: saturation at several connection counts, latency at shares of capacity.

All servers run at once on one core and are loaded in turn, round after round, from the other core.
So any two figures of a table were measured within minutes.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import agreement, open_loop, saturation, servers, subjects
from .effort import Effort, label
from .generator import Plan
from .servers import Running, ServerError
from .subjects import Subject

DISTINCT = 2000
WARM_UP_SECONDS, WARM_UP_CONNECTIONS = 0.5, 32


def measure(
    workload: Workload,
    effort: Effort,
    chosen: Sequence[Subject] = subjects.SUBJECTS,
    compared: int = 0,
) -> tuple[list[Row], list[Row]]:
    """Return the rows of saturation and of latency under open load; see `saturated`."""
    with ExitStack() as stack:
        started, failed = start_all(stack, chosen, workload)
        rates = saturated(started, workload, effort, compared)
        answering = {row["subject"] for row in rates if row["per_second"]}
        opened = [each for each in started if each.subject.name in answering]
        return rates + failed, open_loop.measure(opened, workload, effort)


def closed(
    workload: Workload, effort: Effort, chosen: Sequence[Subject], compared: int
) -> list[Row]:
    """Return the rows of saturation alone; see `saturated`."""
    with ExitStack() as stack:
        started, failed = start_all(stack, chosen, workload, max(effort.connections))
        return saturated(started, workload, effort, compared) + failed


def saturated(
    started: Sequence[Running], workload: Workload, effort: Effort, compared: int
) -> list[Row]:
    """Return the rows of saturation; with `compared`, that many answers are LightGBM's or not."""
    judged = {each.subject.name: agreement.judge(each, workload, compared)
              for each in started if compared and each.subject.kind != "limit"}  # fmt: skip
    rates = saturation.measure(started, workload, effort)
    return [{**row, **judged.get(row["subject"], {})} for row in rates]


def start_all(
    stack: ExitStack,
    chosen: Sequence[Subject],
    workload: Workload,
    connections: int = WARM_UP_CONNECTIONS,
) -> tuple[list[Running], list[Row]]:
    """Start servers and warm them up; return those that stand, and a row for each that does not."""
    X = workload.rows(DISTINCT)
    started: list[Running] = []
    failed: list[Row] = []
    for subject in chosen:
        say(f"load: starting {subject.name}")
        try:
            requests = subject.encode(workload)(X)
            started.append(stack.enter_context(servers.running(subject, workload, requests)))
        except ServerError as error:
            failed.append({**label(subject, workload), "error": str(error)})
    for server in started:
        servers.load(server, Plan(server.port, connections, WARM_UP_SECONDS))
    return started, failed
