"""Check that the budget adds up over HTTP: an empty answer plus a request in process.

The empty answer is this server's own HTTP around a constant (bench/limits/own.py). With one
connection, the in-process request is isolated as it would be over HTTP: a byte from the other core
arrives before each one, so the processor has slept and others have used its caches. The three are
measured directly after one another in each round, because the machine's speed changes over minutes.
"""

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle, product
from statistics import mean, median
from time import perf_counter

import msgspec

from server.http import app
from server.http.app import Scores

from . import stages
from .distribution import spread
from .load import measure as load
from .load import saturation, servers, subjects
from .load.servers import GENERATOR_CORE, SERVER_CORE, Running, on_core
from .load.subjects import BY_NAME, Subject
from .progress import say
from .result import Row
from .workload.models import Workload

# Alone, a request has its latency to itself; among others it waits for them.
FIGURES = {1: {"p50 of the latency": "p50_us", "processor time": "cpu_us"},
           32: {"processor time": "cpu_us"}}  # fmt: skip
# A path through this server: its limit, and the subject that scores.
PATHS = {"fast path": ("own_fast_path", "json"), "ASGI path": ("own_asgi_path", "asgi_path")}
ECHO = ["cat"]
Key = tuple[str, int, str]  # path, connections, figure
Figures = dict[str, float]


class Round(msgspec.Struct, frozen=True):
    """One comparison, in microseconds."""

    empty: float
    request: float
    http: float

    @property
    def ratio(self) -> float:
        """The parts divided by the whole."""
        return (self.empty + self.request) / self.http


def measure(workload: Workload, rounds: int, seconds: int) -> list[Row]:
    """Return a row for each path, number of connections and figure; raises ServerError."""
    X = workload.rows(load.DISTINCT)
    bodies = [msgspec.json.encode(each) for each in workload.documents(X)]
    requests = subjects.OURS.encode(workload)(X)
    found: dict[Key, list[Round]] = {}
    with ExitStack() as stack:
        pairs = {
            path: [stack.enter_context(servers.running(each, workload, requests))
                   for each in (empty(kind), BY_NAME[name])]
            for path, (kind, name) in PATHS.items()
        }  # fmt: skip
        scores = app.scores(stack.enter_context(stages.opened(workload)))
        in_process(scores, bodies, 1, seconds)
        for number, count, path in product(range(rounds), FIGURES, pairs):
            say(f"budget {number + 1}/{rounds}: {path} x{count}")
            request = in_process(scores, bodies, count, seconds)
            for figure, each in compare(pairs[path], request, count, seconds).items():
                found.setdefault((path, count, figure), []).append(each)
    return [row_of(workload, *key, each) for key, each in found.items()]


def empty(kind: str) -> Subject:
    """Return the subject that answers a constant over this server's own HTTP."""
    return Subject(kind, kind, "limit", subjects.limit(kind), subjects.OURS.encode)


def compare(
    pair: Sequence[Running], request: Figures, connections: int, seconds: int
) -> dict[str, Round]:
    """Measure the servers and, right after, what the request costs in process."""
    empty, http = (saturation.saturate_measured(each, connections, seconds) for each in pair)
    return {
        figure: Round(empty[name], request[name], http[name])
        for figure, name in FIGURES[connections].items()
    }


def in_process(scores: Scores, bodies: Sequence[bytes], connections: int, seconds: int) -> Figures:
    """Return the p50 and the mean cost of a request, on the servers' core."""
    took, end = [], perf_counter() + seconds
    with another_core() as other, on_core(SERVER_CORE):
        for body in cycle(bodies):
            if connections == 1:
                other.send(b"?")
                other.recv(1)
            took.append(stages.whole(scores, body) / 1e3)
            if perf_counter() > end:
                break
    return {"p50_us": median(took), "cpu_us": mean(took)}


@contextmanager
def another_core() -> Iterator[socket.socket]:
    """Connect to an echo process on the generator's core."""
    ours, its = socket.socketpair()
    with on_core(GENERATOR_CORE):
        process = subprocess.Popen(ECHO, stdin=its.fileno(), stdout=its.fileno())
    its.close()
    try:
        yield ours
    finally:
        ours.close()
        process.wait()


def row_of(workload: Workload, path: str, count: int, figure: str, rounds: list[Round]) -> Row:
    """Return medians over rounds; the ratio is the median of each round's ratio."""
    ratios = [each.ratio for each in rounds]
    return {
        "model": workload.size.name, "path": path, "connections": count, "figure": figure,
        "empty_us": round(median(each.empty for each in rounds), 2),
        "request_us": round(median(each.request for each in rounds), 2),
        "http_us": round(median(each.http for each in rounds), 2),
        "ratio": round(median(ratios), 3), "ratio_spread": spread(ratios),
    }  # fmt: skip
