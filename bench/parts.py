"""The parts of the suite: what each measures at which scale, and the result files it writes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from . import budget, cost, result, stages
from .contributions import measure as contributions
from .ladder import measure as ladder
from .ladder.engines import COMPILERS
from .load import measure as load
from .load import open_loop, peers, protocol, reasons, saturation, stalls, subjects
from .load.effort import Effort
from .load.generator import GRACE_SECONDS
from .process import memory, start
from .workload import models
from .workload.demo import Demo
from .workload.models import Size

Write = Callable[..., None]
# Beside the peers, in the same run: this server in what it shares with them, and an empty endpoint.
BESIDE_PEERS = ("starlette", "json", "onnxruntime", "oip_json")


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


def measure_ladder(scale: Scale, write: Write) -> None:
    """Measure every engine of ours and of LightGBM on every model."""
    rows = [row for size in scale.sizes
            for row in ladder.measure(models.build(size), scale.rounds, scale.rows)]  # fmt: skip
    write("ladder", ladder_method(scale), rows)


def measure_compilers(scale: Scale, write: Write) -> None:
    """Measure what compiles or interprets trees in environments of their own, and us beside it."""
    engines = (*ladder.BESIDE_COMPILERS, *COMPILERS)
    rows = []
    for size in scale.sizes:
        rows += ladder.measure(models.build(size), scale.rounds, scale.rows, engines)
    write("compilers", ladder_method(scale), rows)


def ladder_method(scale: Scale) -> result.Row:
    """Return how rows are timed in process."""
    return {"rounds": scale.rounds, "rows a round": scale.rows}


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
    scale: Scale, write: Write, chosen: Sequence[subjects.Subject], names: tuple[str, str]
) -> None:
    """Measure servers over HTTP: saturation, and latency under open load."""
    effort, stalled = scale.effort, stalls.measure()
    closed, latency = load.measure(models.build(scale.load_size), effort, chosen)
    method = {"rounds": effort.rounds, "seconds a run": effort.seconds,
              "distinct applicants": load.DISTINCT}  # fmt: skip
    write(names[0], {**method, **saturation.tool()}, closed)
    opened = {"connections": open_loop.CONNECTIONS,
              "capacity": "of the second before each run", "grace seconds": GRACE_SECONDS,
              **stalled}  # fmt: skip
    write(names[1], {**method, **opened}, latency)


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
    return (*own, *peers.PEERS)


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
    "contributions": partial(measure_contributions, peers=False),
    "reasons": measure_reasons,
    "process": measure_process,
    "load": partial(measure_load, chosen=subjects.SUBJECTS, names=("saturation", "latency")),
}
WITH_PEERS: dict[str, Callable[[Scale, Write], None]] = {
    "explainers": partial(measure_contributions, peers=True),
    "compilers": measure_compilers,
    "protocol": measure_protocol,
    "peers": partial(measure_load, chosen=beside_peers(), names=("peers", "peers_latency")),
}
ALL = {**OWN, **WITH_PEERS}


def run(scale: Scale, names: Sequence[str], folder: Path, quick: bool) -> None:
    """Measure parts one after the other; each writes its results when it is done."""

    def write(name: str, method: result.Row, rows: list[result.Row]) -> None:
        result.write(result.make(name, quick, method, rows), folder)

    for name in names:
        ALL[name](scale, write)
