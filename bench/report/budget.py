"""Whether the budget adds up: stages against the request in process, and that against HTTP."""

from pathlib import Path

from .. import result
from ..result import Row
from .tables import number

ONE, MANY = 1, 32  # connections
BY_ASGI = "asgi_path"
# (empty server, ours): the endpoint people would write, then what does as much HTTP as each path.
PAIRS = (("starlette", "json"), ("protocol", "json"), ("asgi", BY_ASGI))
WITHOUT_LANE = (("asgi", "json"),)
INTRO = (
    "Sums against wholes. In process: the stages' sum and the whole request, p50; where the engine "
    "is native it decodes and fills in the stage named run. Over HTTP: processor time an answer of "
    "an empty server and of this one, beside the empty server's plus the whole request in process. "
    f"At one connection a request is as alone as in process. At {MANY} those of a turn share one "
    "write of the record and wake the client together, so there the sum with the empty Starlette "
    "endpoint, which wakes it for each, is too high: docs/performance.md tells more."
)
HEADINGS = ("model", "parts", "us", "whole", "us", "parts / whole")


def section(folder: Path) -> str:
    """Return the comparison in markdown, nothing where it was not measured; raises ResultError."""
    stages, saturation = result.read("stages", folder), result.read("saturation", folder)
    if stages is None:
        return ""
    lines = in_process(stages.rows) + over_http(stages.rows, saturation.rows if saturation else [])
    grid = [list(HEADINGS), ["---"] * len(HEADINGS), *lines]
    return f"{INTRO}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in grid)


def p50s(rows: list[Row], stage: str) -> dict[str, float]:
    """Return the p50 of a stage for each model."""
    return {row["model"]: row["p50_us"] for row in rows if row.get("stage") == stage}


def in_process(rows: list[Row]) -> list[list[str]]:
    """Compare the stages with the whole request, model by model."""
    sums, wholes = p50s(rows, "sum of stages"), p50s(rows, "whole request")
    return [
        compared(model, ("sum of stages", sums[model]), ("whole request", wholes[model]))
        for model in wholes
        if model in sums
    ]


def over_http(rows: list[Row], http: list[Row]) -> list[list[str]]:
    """Compare an empty server plus the request in process with this server."""
    wholes = p50s(rows, "whole request")
    cpu = {(row["model"], row["subject"], row["connections"]): row for row in http
           if row.get("cpu_us")}  # fmt: skip
    lane = any(name == BY_ASGI for _, name, _ in cpu)
    return [
        compared(
            model,
            (f"{cpu[model, empty, count]['label']} + whole request",
             cpu[model, empty, count]["cpu_us"] + wholes[model]),
            (f"{cpu[model, ours, count]['label']}, {connections(count)}",
             cpu[model, ours, count]["cpu_us"]),
        )
        for model in wholes
        for count in (ONE, MANY)
        for empty, ours in (PAIRS if lane else WITHOUT_LANE)
        if (model, empty, count) in cpu and (model, ours, count) in cpu
    ]  # fmt: skip


def connections(count: int) -> str:
    """Return how many, in words."""
    return "one connection" if count == ONE else f"{count} connections"


def compared(model: str, parts: tuple[str, float], whole: tuple[str, float]) -> list[str]:
    """Return one line of cells."""
    return [model, parts[0], number(parts[1]), whole[0], number(whole[1]),
            f"{parts[1] / whole[1]:.2f}"]  # fmt: skip
