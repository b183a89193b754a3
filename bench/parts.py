"""The parts of the suite: what each measures at which scale, and the result files it writes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from . import budget, cost, record_cost, result, stages
from .contributions import measure as contributions
from .contributions.ways import PEERS as EXPLAINERS
from .ladder import measure as ladder
from .ladder.engines import ENGINES
from .load import measure as load
from .load import (
    open_loop,
    peers,
    protocol,
    reasons,
    saturation,
    stalls,
    steps,
    subjects,
)
from .load.effort import Effort
from .load.generator import GRACE_SECONDS
from .load.paired import CONNECTIONS
from .process import memory, start
from .workload import demo, models
from .workload.demo import Demo
from .workload.models import Size

Write = Callable[..., None]
# Beside the peers, in the same run: this server in what it shares with them, and an empty endpoint;
# and how many applicants they are compared with LightGBM on.
BESIDE_PEERS = ("starlette", "json", "onnxruntime", "oip_json")
COMPARED = 250
PEERS_CONNECTIONS = (1, 32, 128)


class Scale(msgspec.Struct, frozen=True):
    """How much is measured: models, rounds and rows of each part."""

    sizes: tuple[Size | Demo, ...]
    load_size: Size | Demo
    rounds: int
    rows: int
    requests: int
    starts: int
    budget_rounds: int
    cost: cost.Scale
    effort: Effort


FULL = Scale(
    (models.DEMO, models.SMALL, models.MIDDLE, models.LARGE), models.MIDDLE, 5, 2000, 10_000, 5, 7,
    cost.Scale(), Effort(3, 2, (1, 8, 32, 128)),
)  # fmt: skip
QUICK = Scale(
    (models.SMALL,), models.MIDDLE, 2, 500, 2000, 2, 1,
    cost.Scale((), (), (1, 10), models.SMALL, 500), Effort(1, 1, (1, 32)),
)  # fmt: skip


def measure_before_after(scale: Scale, write: Write) -> None:
    """Measure the steps from the service as people write it to this server."""
    effort = scale.effort
    starts = min(scale.starts, steps.MOST_STARTS)
    rows = steps.measure(models.build(scale.load_size), effort, starts)
    method = {"rounds": effort.rounds, "seconds a run": effort.seconds, "starts": starts}
    write("before_after", {**method, **saturation.tool()}, rows)


def measure_ladder(scale: Scale, write: Write) -> None:
    """Measure every engine on every model, also those that need an environment of their own."""
    rows = [row for size in scale.sizes for row in ladder.measure(
        models.build(size), scale.rounds, scale.rows, tuple(ENGINES))]  # fmt: skip
    write("ladder", {"rounds": scale.rounds, "rows a round": scale.rows}, rows)


def measure_stages(scale: Scale, write: Write) -> None:
    """Measure the stages of a request, on the loaded model too."""
    rows = [row for size in dict.fromkeys((*scale.sizes, scale.load_size))
            for row in stages.measure(models.build(size), scale.requests)]  # fmt: skip
    write("stages", {"requests": scale.requests}, rows)


def measure_budget(scale: Scale, write: Write) -> None:
    """Measure whether a request in process and an empty answer add up to one over HTTP."""
    rows = budget.measure(models.build(scale.load_size), scale.budget_rounds, scale.effort.seconds)
    method = {"rounds": scale.budget_rounds, "seconds a run": scale.effort.seconds,
              "distinct applicants": load.DISTINCT}  # fmt: skip
    write("budget", {**method, **saturation.tool()}, rows)


def measure_cost(scale: Scale, write: Write) -> None:
    """Measure what trees, features and batches cost."""
    method = {"applicants": scale.cost.applicants, "distinct applicants": cost.DISTINCT}
    write("cost", method, cost.measure(scale.cost))


def measure_process(scale: Scale, write: Write) -> None:
    """Measure the cold start and the memory of the server."""
    demo, loaded = models.build(models.DEMO), models.build(scale.load_size)
    rows = [row for each in (demo, loaded) for row in start.measure(each, scale.starts)]
    write("start", {"rounds": scale.starts}, rows)
    rows = [row for each in (demo, loaded) for row in memory.measure(each, scale.requests)]
    write("memory", {"traced requests": scale.requests}, rows)


def measure_load(
    scale: Scale,
    write: Write,
    chosen: Sequence[subjects.Subject],
    names: tuple[str, str],
    compared: int = 0,
    more: Sequence[result.Row] = (),
) -> None:
    """Measure servers over HTTP: saturation, and latency under open load."""
    effort, stalled = scale.effort, stalls.measure()
    closed, latency = load.measure(models.build(scale.load_size), effort, chosen, compared)
    method = {"rounds": effort.rounds, "seconds a run": effort.seconds,
              "distinct applicants": load.DISTINCT}  # fmt: skip
    write(names[0], {**method, **saturation.tool()}, [*closed, *more])
    opened = {"connections": open_loop.CONNECTIONS,
              "capacity": "of the second before each run", "grace seconds": GRACE_SECONDS,
              **stalled}  # fmt: skip
    write(names[1], {**method, **opened}, latency)


def measure_peers(scale: Scale, write: Write) -> None:
    """Measure the peers over HTTP; some on the committed model as well."""
    effort = msgspec.structs.replace(scale.effort, connections=PEERS_CONNECTIONS)
    scale = msgspec.structs.replace(scale, effort=effort)
    chosen = [subjects.OURS, *(each for each in peers.PEERS if each.name in peers.ON_DEMO)]
    alone = msgspec.structs.replace(effort, connections=(1,))
    more = load.closed(models.build(models.DEMO), alone, chosen, COMPARED)
    measure_load(scale, write, beside_peers(), ("peers", "peers_latency"), COMPARED, more)


def measure_record(scale: Scale, write: Write) -> None:
    """Measure what the record costs, on the committed model."""
    rounds, seconds = scale.budget_rounds, scale.effort.seconds
    rows = record_cost.measure(demo.BUNDLE, demo.HELD_OUT, rounds, seconds)
    method = {"rounds": rounds, "seconds a run": seconds}
    write("record_cost", {**method, "connections": CONNECTIONS}, rows)


def measure_protocol(scale: Scale, write: Write) -> None:
    """Measure the inference protocol beside /score, MLServer and KServe."""
    effort = scale.effort
    rows = protocol.measure(models.build(scale.load_size), effort)
    method = {"rounds": effort.rounds, "seconds a run": effort.seconds,
              "distinct applicants": load.DISTINCT}  # fmt: skip
    write("protocol", {**method, **saturation.tool()}, rows)


def beside_peers() -> tuple[subjects.Subject, ...]:
    """Return the peers, and what stands beside them."""
    own = [each for each in subjects.SUBJECTS if each.name in BESIDE_PEERS]
    return (*own[:1], *peers.LIMITS, *own[1:], *peers.PEERS)


def measure_contributions(scale: Scale, write: Write, peers: bool) -> None:
    """Measure what each feature's contribution costs, beside what else explains LightGBM models."""
    sizes = [size for size in scale.sizes if size != models.SMALL] or scale.sizes
    rows = [row for size in sizes for row in contributions.measure(
        models.build(size), scale.rounds, scale.rows // 10, peers)]  # fmt: skip
    write("contributions", {"rounds": scale.rounds, "rows a round": scale.rows // 10}, rows)


def measure_reasons(scale: Scale, write: Write) -> None:
    """Measure what reasons cost over HTTP, in memory and at the start."""
    effort = scale.effort
    rows = reasons.measure(
        models.build(scale.load_size), effort.rounds, effort.seconds, scale.starts
    )
    method = {"rounds": effort.rounds, "seconds a run": effort.seconds, "starts": scale.starts}
    write("reasons", {**method, **saturation.tool()}, rows)


OWN: dict[str, Callable[[Scale, Write], None]] = {
    "ladder": measure_ladder,
    "stages": measure_stages,
    "budget": measure_budget,
    "cost": measure_cost,
    "record_cost": measure_record,
    "contributions": partial(measure_contributions, peers=False),
    "reasons": measure_reasons,
    "process": measure_process,
    "load": partial(measure_load, chosen=subjects.SUBJECTS, names=("saturation", "latency")),
}
WITH_PEERS: dict[str, Callable[[Scale, Write], None]] = {
    "before_after": measure_before_after,
    "ladder": measure_ladder,
    "explainers": partial(measure_contributions, peers=True),
    "protocol": measure_protocol,
    "peers": measure_peers,
}
ALL = {**OWN, **WITH_PEERS}
# What a part needs beside ours, in bench/peers.
ENVIRONMENTS: dict[str, Sequence[str]] = {
    "before_after": steps.ENVIRONMENTS,
    "ladder": [each.environment for each in ENGINES.values() if each.environment],
    "explainers": [environment for environment, _ in EXPLAINERS.values()],
    "protocol": protocol.PEERS,
    "peers": [each.name for each in (*peers.LIMITS, *peers.PEERS)],
}


def run(scale: Scale, names: Sequence[str], folder: Path, quick: bool) -> None:
    """Measure parts one after the other; each writes its results when it is done."""

    def write(name: str, method: result.Row, rows: list[result.Row]) -> None:
        result.write(result.make(name, quick, method, rows), folder)

    for name in names:
        ALL[name](scale, write)
