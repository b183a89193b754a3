"""Servers under load: saturation at several connection counts, latency at shares of capacity.

All servers run at once on one core and are loaded in turn, round after round, from the other core.
So any two figures of a table were measured within minutes.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import open_loop, saturation, servers, subjects
from .effort import Effort, label
from .generator import Plan
from .servers import Running, ServerError
from .subjects import Subject

DISTINCT = 2000
WARM_UP_SECONDS, WARM_UP_CONNECTIONS = 0.5, 32


def measure(
    workload: Workload, effort: Effort, chosen: Sequence[Subject] = subjects.SUBJECTS
) -> tuple[list[Row], list[Row]]:
    """Return the rows of saturation and of latency under open load."""
    X = workload.rows(DISTINCT)
    with ExitStack() as stack:
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
            servers.load(server, Plan(server.port, WARM_UP_CONNECTIONS, WARM_UP_SECONDS))
        rates = saturation.measure(started, workload, effort)
        answering = {row["subject"] for row in rates if row["per_second"]}
        opened = [each for each in started if each.subject.name in answering]
        return rates + failed, open_loop.measure(opened, workload, effort)
