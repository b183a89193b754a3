"""How much the baseline of reasons matters, on the committed model: docs/reasons.md shows it.

  python -m bench.contributions.baselines measure    count again, into bench/results
  python -m bench.contributions.baselines render     write the committed result into the page

Every refused reference row is explained against each baseline, in the bundle's reason codes.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from server.bundle import reading
from server.bundle.applicant import Floats
from server.bundle.reasons import Baseline, ReasonCodes
from server.scoring.codec import JSON
from server.scoring.model import Model, load
from server.scoring.reasons import Reasons

from .. import marks, result
from ..result import Row
from ..workload.demo import BUNDLE

Chosen = npt.NDArray[np.bool_]
NAME = "baselines"
DOCUMENT = Path(__file__).parents[2] / "docs" / "reasons.md"
KINDS: tuple[Any, ...] = get_args(msgspec.structs.fields(Baseline)[0].type)
MARGIN = 10  # as in convert/reasons/baseline.py: a tenth of the approved


def measure(bundle: Path = BUNDLE) -> list[Row]:
    """Return a row for each kind of baseline."""
    model, codes = load(bundle), reading.read(bundle).codes
    if codes is None or model.contributions is None:
        raise SystemExit(f"{bundle}: wanted a bundle with reasons")
    rows, probability, refused = scored(model, bundle / "reference.parquet")
    found = model.contributions.of(rows)[:, 0, :-1]
    usual = {kind: found[chosen(kind, probability, refused)] for kind in KINDS}
    told = {kind: explained(model, codes, kind, usual[kind], found[refused]) for kind in KINDS}
    default = [order for order, _ in told[codes.baseline.kind]]
    return [
        {"baseline": kind, "rows": len(usual[kind]), "refused": int(refused.sum()),
         "no_worse": share(total <= 0 for _, total in each),
         "same": share(a == b for (a, _), b in zip(each, default, strict=True))}
        for kind, each in told.items()
    ]  # fmt: skip


def scored(model: Model, reference: Path) -> tuple[Floats, Floats, Chosen]:
    """Return the rows [N, F] as the model sees them, their probabilities, and who is refused."""
    table = pq.read_table(reference).select([each.name for each in model.manifest.features])
    said = [model.score(JSON.encode(row), JSON) for row in table.to_pylist()]
    rows = np.array([np.frombuffer(each.row) for each in said])
    is_refused = np.array([each.decision != "approve" for each in said])
    return rows, np.array([each.prediction for each in said]), is_refused


def chosen(kind: str, probability: Floats, refused: Chosen) -> Chosen:
    """Return which rows a baseline is the mean of; none for the expectation."""
    if kind == "expectation":
        return np.zeros(len(refused), bool)
    if kind == "all":
        return np.ones(len(refused), bool)
    if kind == "approved":
        return ~refused
    approved = np.sort(probability[~refused])
    nearest: Chosen = probability >= approved[-math.ceil(len(approved) / MARGIN)]
    return ~refused & nearest


def explained(
    model: Model, codes: ReasonCodes, kind: Any, usual: Floats, found: Floats
) -> list[tuple[list[int], float]]:
    """Return the principal reasons of each row, largest first, and the sum over all reasons."""
    width = found.shape[1]
    means = [math.fsum(column) / max(len(usual), 1) for column in usual.T.tolist()]
    baseline = Baseline(kind, tuple(means or [0.0] * width))
    assert model.contributions is not None  # noqa: S101 - asked by measure
    changed = msgspec.structs.replace(codes, baseline=baseline)
    totals = Reasons(changed, model.manifest, model.contributions).totals(found)
    largest = np.argsort(-totals, axis=1, kind="stable")[:, : codes.most]
    return [
        ([each for each in order if row[each] > 0], float(row.sum()))
        for order, row in zip(largest.tolist(), totals, strict=True)
    ]


def share(found: Iterator[bool]) -> float:
    """Return the share of true ones."""
    return float(np.mean([*found]))


def table(found: result.Result) -> str:
    """Return the result as markdown."""
    lines = [
        "| baseline | reference rows in it | refused whose sum is not positive | the same "
        "reasons in the same order as `marginal` |",
        "|---|---:|---:|---:|",
    ]
    for row in found.rows:
        no_worse, same = f"{row['no_worse']:.1%}", f"{row['same']:.0%}"
        lines.append(f"| `{row['baseline']}` | {row['rows']:,} | {no_worse} | {same} |")
    versions = ", ".join(f"{name} {found.versions[name]}" for name in ("python", "numpy"))
    return "\n".join([
        *lines, "",
        f"The {found.rows[0]['refused']:,} refused of the reference rows of "
        f"`models/credit-express/1`, {found.measured}, commit {found.commit}, {found.host.cpu}, "
        f"{versions}.",
    ]) + "\n"  # fmt: skip


def main() -> None:
    """Measure, or write the committed result into the page."""
    parser = argparse.ArgumentParser(
        "python -m bench.contributions.baselines", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("verb", choices=("measure", "render"))
    if parser.parse_args().verb == "measure":
        print(result.write(result.make(NAME, False, {"bundle": "credit-express/1"}, measure())))
    elif (found := result.read(NAME)) is not None:
        marks.fill(DOCUMENT, NAME, table(found))


if __name__ == "__main__":
    main()
