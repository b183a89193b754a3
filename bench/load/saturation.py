"""Closed loop: the most a server can answer, at several connection counts."""

from collections.abc import Sequence
from time import sleep
from typing import Protocol

from ..distribution import median, quantiles, spread
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import servers, wrk
from .effort import Effort, label
from .generator import Plan
from .servers import GENERATOR_CORE, Running

IDLE_SECONDS = 1.0


def measure(started: Sequence[Running], workload: Workload, effort: Effort) -> list[Row]:
    """Return a row per server and connection count."""
    idle = {server.subject.name: idle_share(server) for server in started}
    cells = [(server, count) for count in effort.connections for server in started]
    found: dict[int, list[Row]] = {i: [] for i in range(len(cells))}
    for number in range(effort.rounds):
        for i, (server, count) in enumerate(cells):
            say(f"saturation {number + 1}/{effort.rounds}: {server.subject.name} x{count}")
            found[i].append(saturate_measured(server, count, effort.seconds))
    return [
        {**label(server.subject, workload), "connections": count, **merge(found[i]),
         "memory_mib": server.memory_mib(), "start_s": server.start_s,
         "idle": idle[server.subject.name]}
        for i, (server, count) in enumerate(cells)
    ]  # fmt: skip


def idle_share(server: Running) -> float:
    """Return the share of a core that a server uses without requests."""
    before = server.cpu_seconds()
    sleep(IDLE_SECONDS)
    return round((server.cpu_seconds() - before) / IDLE_SECONDS, 3)


def tool() -> dict[str, str]:
    """Return the name of the tool that drives the closed loop."""
    return {"generator": "wrk, one thread" if wrk.is_installed() else "bench/load/generator.py"}


class Loadable(Protocol):
    """A server whose processor time can be measured."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    @property
    def requests(self) -> Sequence[bytes]:
        """HTTP requests that it answers with 200."""

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""


def saturate_measured(server: Loadable, connections: int, seconds: int) -> Row:
    """Saturate, with the processor time per good answer, in microseconds."""
    before = server.cpu_seconds()
    row = saturate(server.port, server.requests, connections, seconds)
    good = row["samples"] - row["failed"]
    used = server.cpu_seconds() - before
    return {**row, "cpu_us": used / good * 1e6 if good else None}


def saturate(port: int, requests: Sequence[bytes], connections: int, seconds: int) -> Row:
    """Return rate, failures, p50 and p99 of one run, by wrk, or by our generator without it.

    Raises OSError, WrkError.
    """
    if wrk.is_installed():
        run = wrk.saturate(port, requests, connections, seconds, GENERATOR_CORE)
        p50, p99 = (run.p50_us, run.p99_us) if run.requests else (None, None)
        return {"per_second": run.per_second, "failed": run.failed, "samples": run.requests,
                "p50_us": p50, "p99_us": p99}  # fmt: skip
    report = servers.drive_on_core(Plan(port, connections, seconds), requests)
    return {"per_second": report.per_second, "failed": report.failed + report.unanswered,
            **quantiles(report.latencies_us, "us")}  # fmt: skip


def merge(rounds: Sequence[Row]) -> Row:
    """Return medians over rounds; failures and samples are added up."""
    rates = [float(each["per_second"]) for each in rounds]
    return {
        "per_second": median(rates), "spread": spread(rates),
        "p50_us": median(each["p50_us"] for each in rounds),
        "p99_us": median(each["p99_us"] for each in rounds),
        "cpu_us": median(each["cpu_us"] for each in rounds),
        "failed": sum(each["failed"] for each in rounds),
        "samples": sum(each["samples"] for each in rounds),
    }  # fmt: skip
