"""Guard against regressions: compare the ratios of a quick run with those of the committed results.

Absolute times differ between machines and runs. Ratios hardly do: this server against an empty
endpoint, or its engine against LightGBM, in one run on one machine. A ratio fails if it is worse
than the committed one by more than BOUND.

example: python -m bench --quick && python -m bench.guard
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from . import result
from .result import Row
from .workload import models

BOUND = 2.0
Where = dict[str, str | int]


class Ratio(msgspec.Struct, frozen=True):
    """A column of one row over the same column of another, on the same model."""

    name: str
    result: str
    column: str
    ours: Where
    against: Where
    higher_is_better: bool = False


def http(name: str, column: str, connections: int, higher_is_better: bool = False) -> Ratio:
    """Return the ratio of this server to the empty Starlette endpoint, over HTTP."""
    ours: Where = {"subject": "json", "connections": connections}
    against: Where = {"subject": "starlette", "connections": connections}
    return Ratio(name, "saturation", column, ours, against, higher_is_better)


RATIOS = (
    http("answers a second, 32 connections, against an empty endpoint", "per_second", 32, True),
    http("processor time an answer, against an empty endpoint", "cpu_us", 32),
    http("p50 at one connection, against an empty endpoint", "p50_us", 1),
    Ratio("the bound engine, against LightGBM's single row call", "ladder", "p50_us",
          {"engine": "bound"}, {"engine": "single-row-fast"}),
    Ratio("the whole request, against its trees alone", "stages", "p50_us",
          {"stage": "whole request"}, {"stage": "run"}),
    Ratio("the record, against decoding the applicant", "stages", "p50_us",
          {"stage": "record"}, {"stage": "decode"}),
)  # fmt: skip


class Verdict(msgspec.Struct, frozen=True):
    """One ratio on one model: measured, committed, and how many times worse."""

    name: str
    model: str
    measured: float
    committed: float
    worse: float


def main(arguments: Sequence[str]) -> int:
    """Print every ratio; return 1 if one is worse than BOUND allows, 2 if none can be compared."""
    parser = argparse.ArgumentParser(
        "python -m bench.guard", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--measured", type=Path, default=models.BUILD / "quick")
    parser.add_argument("--committed", type=Path, default=result.FOLDER)
    chosen = parser.parse_args(arguments)
    try:
        verdicts = [each for ratio in RATIOS
                    for each in compare(ratio, chosen.measured, chosen.committed)]  # fmt: skip
    except result.ResultError as error:
        print(f"bench.guard: {error}", file=sys.stderr)
        return 2
    for each in verdicts:
        print(f"{'WORSE' if each.worse > BOUND else 'good':5}  {each.name}, {each.model}: "
              f"{each.measured:.3g}, committed {each.committed:.3g}, "
              f"{each.worse:.2f} times as bad, allowed {BOUND:g}")  # fmt: skip
    if not verdicts:
        print("bench.guard: no ratio stands in both folders", file=sys.stderr)
        return 2
    return int(any(each.worse > BOUND for each in verdicts))


def compare(ratio: Ratio, measured: Path, committed: Path) -> list[Verdict]:
    """Return a verdict for each model that both folders hold; raises result.ResultError."""
    now, then = values(ratio, measured), values(ratio, committed)
    return [
        Verdict(ratio.name, model, now[model], then[model],
                then[model] / now[model] if ratio.higher_is_better else now[model] / then[model])
        for model in now
        if model in then
    ]  # fmt: skip


def values(ratio: Ratio, folder: Path) -> dict[str, float]:
    """Return the ratio for each model of a folder's result."""
    found = result.read(ratio.result, folder)
    rows = found.rows if found else []
    ours, against = (picked(rows, where, ratio.column) for where in (ratio.ours, ratio.against))
    return {model: ours[model] / against[model] for model in ours if model in against}


def picked(rows: Sequence[Row], where: Where, column: str) -> dict[str, float]:
    """Return a column of the matching row of each model."""
    return {
        row["model"]: row[column]
        for row in rows
        if where.items() <= row.items() and row.get(column)
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
