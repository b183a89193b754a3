"""The Open Inference Protocol beside /score, MLServer and KServe, in one run.

Every figure is compared with that of this server's JSON on /score in the same round. A batch is
compared with its trees and its record alone, timed in this process on the servers' core.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from time import monotonic, process_time

import numpy as np

from server import settings
from server.http.ledger import Ledger
from server.http.services import open_services
from server.metrics.counters import Table
from server.oip.handler import infers
from server.oip.infer import Infer
from server.scoring import catalog

from ..progress import say
from ..result import Row
from ..workload.applicants import Floats
from ..workload.models import Workload
from . import peers, saturation, servers, subjects
from .body import BATCH
from .effort import Effort, label
from .measure import start_all
from .servers import SERVER_CORE, Running
from .subjects import Subject

ONE, MANY = 1, 32
OURS, BATCHES, PEERS = ("json", "oip", "oip_json"), "oip_batch", ("mlserver", "kserve")
ALONE_SECONDS = 1.0  # long enough that the record's thread for fsync has its share


def chosen() -> list[Subject]:
    """Return what is measured."""
    own = [subjects.BY_NAME[name] for name in (*OURS, BATCHES)]
    return [*own, *(each for each in peers.PEERS if each.name in PEERS)]


def measure(workload: Workload, effort: Effort) -> list[Row]:
    """Return a row per subject and number of connections, in pairs with /score."""
    with ExitStack() as stack:
        started, failed = start_all(stack, chosen(), workload)
        floor = stack.enter_context(alone(workload, workload.rows(BATCH)))
        rounds = [one(started, floor, number, effort) for number in range(effort.rounds)]
    return [*compared(started, workload, rounds), *failed]


Cell = tuple[str, int]
Round = dict[Cell, Row]


def one(started: Sequence[Running], floor: "Alone", number: int, effort: Effort) -> Round:
    """Measure every subject once, in an order that turns."""
    cells = [
        (server, count)
        for count in (ONE, MANY)
        for server in started
        if count == ONE or server.subject.name != BATCHES
    ]
    start = number % len(cells)
    found: Round = {}
    for server, count in cells[start:] + cells[:start]:
        say(f"protocol {number + 1}/{effort.rounds}: {server.subject.name} x{count}")
        row = saturation.saturate_measured(server, count, effort.seconds)
        if server.subject.name == BATCHES:
            row = {**row, "alone_us": floor.measure()}
        found[server.subject.name, count] = row
    return found


def compared(started: Sequence[Running], workload: Workload, rounds: Sequence[Round]) -> list[Row]:
    """Return medians over the rounds, of figures and of their ratios within a round."""
    labels = {each.subject.name: label(each.subject, workload) for each in started}
    return [
        {
            **labels[name], "connections": count,
            **saturation.merge([each[name, count] for each in rounds]),
            **ratios(name, count, rounds),
        }
        for name, count in rounds[0]
    ]  # fmt: skip


def ratios(name: str, count: int, rounds: Sequence[Round]) -> Row:
    """Return what is compared: processor time, p50 and answers with those of /score."""
    if name == BATCHES:
        each = [found[name, count] for found in rounds]
        return {
            "alone_us": median(row["alone_us"] for row in each),
            "of_alone": median(row["cpu_us"] / row["alone_us"] for row in each),
        }

    def of(key: str, other: str = "json") -> float:
        each = [float(found[name, count][key] / found[other, count][key]) for found in rounds]
        return median(each)

    told = {"cpu_of_json": of("cpu_us"), "p50_of_json": of("p50_us")}
    if name in PEERS:
        told |= {f"{ours}_times": 1 / of("per_second", ours) for ours in ("oip", "oip_json")}
    return told


class Alone:
    """The trees and the record of a batch, without anything around them."""

    def __init__(self, infer: Infer, ledger: Ledger, rows: Floats) -> None:
        self._infer, self._ledger = infer, ledger
        self._request, self._data = infer.raw_form(rows.nbytes), rows.astype("<f8").tobytes()
        self._rows = np.ascontiguousarray(rows)

    def measure(self) -> float:
        """Return their processor time for one batch, in microseconds."""
        with servers.on_core(SERVER_CORE):
            outcomes = self._infer.score(self._request, self._data)
            engine = self._infer.engine
            began, end, count = process_time(), monotonic() + ALONE_SECONDS, 0
            while monotonic() < end:
                engine.score_block(self._rows)
                self._infer.enter("0" * 32, outcomes, 0.0)
                self._ledger.write()
                count += 1
            return (process_time() - began) / count * 1e6


@contextmanager
def alone(workload: Workload, rows: Floats) -> Iterator[Alone]:
    """Open a model and a log of its own in this process."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"model": str(workload.bundle), "log_dir": folder, "access_log": "0"}
        read = settings.read({}, given)
        services = open_services(read, catalog.load_all(read), Table(1), 0)
        try:
            ledger = Ledger(services)
            (infer,) = infers(services, ledger).values()
            yield Alone(infer, ledger, rows)
        finally:
            services.close()
