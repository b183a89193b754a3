"""Before and after: from the service as people write it to this server, one change at a time.

Every step is a server in an environment of its own. All stand at once on one core and are loaded in
turn from the other, like the servers of measure.py.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from .. import environments, result
from ..distribution import median
from ..ladder.engines import onnxmltools_graph
from ..ladder.measure import paths_of
from ..progress import say
from ..result import Row
from ..workload.models import Workload
from . import agreement, body, saturation, servers
from .effort import Effort, label
from .generator import Plan
from .measure import DISTINCT, start_all
from .peers import EVERYWHERE, UVICORN
from .servers import ServerError
from .subjects import OURS_FLAGS, Subject

ONE, MANY = 1, 32
COMPARED, MEMORY_SECONDS, MOST_STARTS = 1000, 1.0, 3
SERVER = "server"  # the environment of what the product's image holds
MIB = 2**20
INSTALLER = ("pip", "setuptools", "_distutils_hack", "distutils-precedence")


class Step(msgspec.Struct, frozen=True):
    """A step: what changes, and the module of an environment's folder, or this server's flags."""

    name: str
    label: str
    environment: str
    module: str = "app"
    run: str = ""
    flags: tuple[str, ...] = ()


STEPS = (
    Step("written", "FastAPI, pandas, a pickle", "fastapi_written"),
    Step("numpy_row", "a numpy row, no pandas", "fastapi_numpy", "numpy_row"),
    Step("one_thread", "one thread: async, num_threads=1", "fastapi_numpy", "one_thread"),
    Step("tuned", "uvloop, httptools, orjson", "fastapi_tuned"),
    Step("onnxmltools", "onnxruntime, onnxmltools' graph", "fastapi_onnx", run="onnxmltools"),
    Step("exact", "the exact graph", "fastapi_onnx", run="exact"),
    Step("bound", "bound buffers", "fastapi_onnx", run="bound"),
    Step("msgspec", "Starlette, msgspec", "starlette_msgspec"),
    Step("checks", "this server: checks and the record", SERVER,
         flags=("--fast-lane", "off", "--engine", "onnxruntime")),
    Step("fast_path", "the fast path", SERVER, flags=("--engine", "onnxruntime")),
    Step("native", "the native engine", SERVER),
)  # fmt: skip
ENVIRONMENTS = tuple(dict.fromkeys(each.environment for each in STEPS))


def subject(step: Step, workload: Workload) -> Subject:
    """Return a step as a server under load."""
    command = ours if step.environment == SERVER else uvicorn
    return Subject(
        step.name, step.label, "ours" if step.environment == SERVER else "other",
        lambda workload, port, folder: command(step, workload, port, folder),
        lambda _: body.json, step.environment,
        None if step.environment == SERVER else environments.PEERS / step.environment,
        variables(step, workload),
    )  # fmt: skip


def uvicorn(step: Step, workload: Workload, port: int, folder: Path) -> list[str]:
    """Return the command of a service, as FastAPI's documentation starts it."""
    programs = environments.BUILD / step.environment / "bin"
    words = [word.format(bin=programs, port=port) for word in UVICORN]
    return [f"{step.module}:app" if word == "app:app" else word for word in words]


def ours(step: Step, workload: Workload, port: int, folder: Path) -> list[str]:
    """Return the command of this server, with the packages of its image alone."""
    python = str(environments.BUILD / step.environment / "bin" / "python")
    start = [python, "-m", "server", "--model", str(workload.bundle), "--port", str(port)]
    return [*start, "--log-dir", str(folder), *OURS_FLAGS, *step.flags]


def variables(step: Step, workload: Workload) -> Mapping[str, str]:
    """Return what a step is told: which graph, and how to run it."""
    if step.environment == SERVER:
        return {}
    exact = step.run != "onnxmltools"
    graph = workload.bundle / "model.onnx" if exact else onnxmltools_graph(paths_of(workload))
    return {**EVERYWHERE, "PEER_GRAPH": str(graph), "PEER_RUN": step.run}


def measure(workload: Workload, effort: Effort, starts: int) -> list[Row]:
    """Return a row per step; one that does not start has a row with its error."""
    environments.build_all(ENVIRONMENTS)
    chosen = [subject(step, workload) for step in STEPS]
    found = {each.name: alone(each, workload, starts) for each in chosen}
    standing = [each for each in chosen if "error" not in found[each.name]]
    pair = msgspec.structs.replace(effort, connections=(ONE, MANY))
    with ExitStack() as stack:
        started, _ = start_all(stack, standing, workload)
        loaded = saturation.measure(started, workload, pair)
    for each in started:
        found[each.subject.name] |= under_load(each.subject.name, loaded)
    return [{**label(each, workload), **found[each.name]} for each in chosen]


def alone(subject: Subject, workload: Workload, starts: int) -> Row:
    """Return start, memory and answers of a server that stands alone, or why it does not.

    Pages that servers of one environment share would count as a part of each.
    """
    say(f"before and after: {subject.name} alone")
    requests = subject.encode(workload)(workload.rows(DISTINCT))
    try:
        began = [first_answer(subject, workload, requests) for _ in range(starts - 1)]
        with servers.running(subject, workload, requests) as server:
            servers.load(server, Plan(server.port, MANY, MEMORY_SECONDS))
            return {
                "start_s": median([*began, server.start_s]), "memory_mib": server.memory_mib(),
                **on_disk(subject.environment or ""),
                **agreement.judge(server, workload, COMPARED),
            }  # fmt: skip
    except ServerError as error:
        return {"error": str(error)}


def first_answer(subject: Subject, workload: Workload, requests: list[bytes]) -> float:
    """Start a server and stop it; return the seconds to its first answer; raises ServerError."""
    with servers.running(subject, workload, requests) as server:
        return server.start_s


def under_load(name: str, loaded: Sequence[Row]) -> Row:
    """Return the latency at one connection, and rate and processor time at many."""
    mine = {row["connections"]: row for row in loaded if row["subject"] == name}
    one, many = mine[ONE], mine[MANY]
    return {
        "p50_us": one["p50_us"], "p99_us": one["p99_us"], "spread": many["spread"],
        "per_second": many["per_second"], "cpu_us": many["cpu_us"],
        "failed": one["failed"] + many["failed"],
    }  # fmt: skip


def on_disk(environment: str) -> Row:
    """Return the size of an environment's packages and, where it was measured, of the image."""
    sizes: Row = {"packages_mib": packages_mib(environment)}
    image = result.read("image") if environment == SERVER else None
    for row in image.rows if image else ():
        if row["part"] == "uncompressed":
            sizes["image_mb"] = row["size_mb"]
    return sizes


def packages_mib(environment: str) -> float:
    """Return the size on disk of what an environment installs beside pip, without bytecode."""
    [site] = (environments.BUILD / environment / "lib").glob("python*/site-packages")
    files = [each for each in site.rglob("*") if each.is_file() and each.suffix != ".pyc"]
    kept = [each for each in files if not each.relative_to(site).parts[0].startswith(INSTALLER)]
    return round(sum(each.stat().st_size for each in kept) / MIB, 1)
