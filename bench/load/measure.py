"""Servers under load: saturation at several connection counts, latency at shares of capacity.

All servers stand at once on one core and are loaded in turn, round after round, from the other, so
that each pair of numbers in a table was measured minutes apart at most.
"""

from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from ..distribution import median, quantiles, spread
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import servers, subjects, wrk
from .generator import Plan
from .servers import GENERATOR_CORE, Running, ServerError
from .subjects import Subject

DISTINCT = 2000
WARM_UP_SECONDS = 0.5
OPEN_CONNECTIONS = 32
SHARES = (0.5, 0.8)


class Effort(msgspec.Struct, frozen=True):
    """How long and how often."""

    rounds: int
    seconds: int
    connections: Sequence[int]


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
            servers.load(server, Plan(server.port, OPEN_CONNECTIONS, WARM_UP_SECONDS))
        saturation = saturate_all(started, workload, effort)
        return saturation + failed, latency_all(started, workload, effort, capacities(saturation))


def label(subject: Subject, workload: Workload) -> Row:
    """Return the columns that name a row."""
    return {
        "model": workload.size.name, "subject": subject.name, "label": subject.label,
        "kind": subject.kind,
    }  # fmt: skip


def saturate_all(started: Sequence[Running], workload: Workload, effort: Effort) -> list[Row]:
    """Return a row per server and connection count."""
    cells = [(server, count) for count in effort.connections for server in started]
    found: dict[int, list[Row]] = {i: [] for i in range(len(cells))}
    for number in range(effort.rounds):
        for i, (server, count) in enumerate(cells):
            say(f"saturation {number + 1}/{effort.rounds}: {server.subject.name} x{count}")
            found[i].append(saturate_measured(server, count, effort.seconds))
    return [
        {**label(server.subject, workload), "connections": count, **merge(found[i]),
         "memory_mib": server.memory_mib(), "start_s": server.start_s}
        for i, (server, count) in enumerate(cells)
    ]  # fmt: skip


def tool() -> dict[str, str]:
    """Return what drives the closed loop."""
    return {"generator": "wrk, one thread" if wrk.is_installed() else "bench/load/generator.py"}


def saturate_measured(server: Running, connections: int, seconds: int) -> Row:
    """Saturate, with the processor time per good answer, in microseconds."""
    before = server.cpu_seconds()
    row = saturate(server, connections, seconds)
    good = row["samples"] - row["failed"]
    used = server.cpu_seconds() - before
    return {**row, "cpu_us": used / good * 1e6 if good else None}


def saturate(server: Running, connections: int, seconds: int) -> Row:
    """Return rate, failures, p50 and p99 of one run, by wrk, or by our generator without it."""
    if wrk.is_installed():
        run = wrk.saturate(server.port, server.requests, connections, seconds, GENERATOR_CORE)
        p50, p99 = (run.p50_us, run.p99_us) if run.requests else (None, None)
        return {"per_second": run.per_second, "failed": run.failed, "samples": run.requests,
                "p50_us": p50, "p99_us": p99}  # fmt: skip
    report = servers.load(server, Plan(server.port, connections, seconds))
    return {"per_second": report.per_second, "failed": report.failed + report.unanswered,
            **quantiles(report.latencies_us, "us")}  # fmt: skip


def merge(rounds: Sequence[Row]) -> Row:
    """Return medians over rounds; failures and samples add up."""
    rates = [float(each["per_second"]) for each in rounds]
    return {
        "per_second": median(rates), "spread": spread(rates),
        "p50_us": median(each["p50_us"] for each in rounds),
        "p99_us": median(each["p99_us"] for each in rounds),
        "cpu_us": median(each["cpu_us"] for each in rounds),
        "failed": sum(each["failed"] for each in rounds),
        "samples": sum(each["samples"] for each in rounds),
    }  # fmt: skip


def capacities(saturation: Sequence[Row]) -> dict[str, float]:
    """Return the best rate of each server over connection counts."""
    best: dict[str, float] = {}
    for row in saturation:
        best[row["subject"]] = max(best.get(row["subject"], 0.0), row["per_second"])
    return best


def latency_all(
    started: Sequence[Running], workload: Workload, effort: Effort, capacity: dict[str, float]
) -> list[Row]:
    """Return a row per server and share of its capacity: latency from the intended send time."""
    cells = [(server, share) for share in SHARES for server in started]
    found: dict[int, list[Row]] = {i: [] for i in range(len(cells))}
    for number in range(effort.rounds):
        for i, (server, share) in enumerate(cells):
            rate = capacity[server.subject.name] * share
            say(f"latency {number + 1}/{effort.rounds}: {server.subject.name} at {rate:.0f}/s")
            found[i].append(open_load(server, rate, effort.seconds, number))
    return [
        {**label(server.subject, workload), "share": share, **merge_open(found[i])}
        for i, (server, share) in enumerate(cells)
    ]


def open_load(server: Running, rate: float, seconds: int, seed: int) -> Row:
    """Return one run of the open-loop generator."""
    report = servers.load(server, Plan(server.port, OPEN_CONNECTIONS, seconds, rate, seed))
    return {
        "offered": rate, **quantiles(report.latencies_us, "us"),
        "failed": report.failed + report.unanswered,
        "late_p99_us": quantiles(report.late_us, "us")["p99_us"],
    }  # fmt: skip


def merge_open(rounds: Sequence[Row]) -> Row:
    """Return medians over rounds; failures and samples add up."""
    names = ("offered", "p50_us", "p90_us", "p99_us", "p999_us", "late_p99_us")
    middle = {name: median(each[name] for each in rounds) for name in names}
    total = {name: sum(each[name] for each in rounds) for name in ("failed", "samples")}
    return {**middle, **total}
