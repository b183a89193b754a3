"""Whether the stages add up to the request in process; for HTTP see the table `budget`."""

from pathlib import Path

from .. import result
from ..result import Row
from .tables import markdown, number

INTRO = (
    "The sum of the stages beside the whole request, half within, µs; where the engine is native "
    "it decodes and fills in the stage named run."
)
HEADINGS = ["model", "sum of stages", "whole request", "parts / whole"]


def section(folder: Path) -> str:
    """Return the comparison in Markdown, "" if it was not measured; raises ResultError."""
    stages = result.read("stages", folder)
    if stages is None:
        return ""
    return f"{INTRO}\n\n{markdown([HEADINGS, *in_process(stages.rows)])}"


def in_process(rows: list[Row]) -> list[list[str]]:
    """Compare the stages with the whole request, model by model."""
    sums, wholes = p50s(rows, "sum of stages"), p50s(rows, "whole request")
    return [
        [model, number(sums[model]), number(whole), f"{sums[model] / whole:.2f}"]
        for model, whole in wholes.items()
        if model in sums
    ]


def p50s(rows: list[Row], stage: str) -> dict[str, float]:
    """Return the p50 of a stage for each model."""
    return {row["model"]: row["p50_us"] for row in rows if row.get("stage") == stage}
