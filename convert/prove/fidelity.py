"""`python -m convert fidelity`: train, convert and compare every kind of model; write a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

from ..errors import OptionError, UnsupportedModelError
from ..model.features import MissingChoice
from ..model.tree import Floats
from ..read.loading import loaded_text
from ..read.opening import open_model
from .building import Built, build
from .checking import Case, evidence_of, raw_rows
from .contributions import Agreement, explain
from .kinds import KINDS, Kind
from .verify import verify

RESULT, TABLE = "fidelity.json", "fidelity.md"


@dataclass(frozen=True)
class Proof:
    """The comparison of one kind of model with LightGBM."""

    kind: str
    objective: str
    trees: int
    rows: int
    differ: int


@dataclass(frozen=True)
class Explanation:
    """The comparison of one model's contributions with LightGBM's, or why it has none."""

    model: str
    trees: int
    agreement: Agreement | None = None
    refused: str | None = None


def prove(kind: Kind, seed: int = 1) -> Proof:
    """Train, convert and compare; raises MismatchError at the first differing bit."""
    built = build(loaded_text(kind.text(seed)), MissingChoice())
    report = verify(built.subject, built.model, None, lambda _: None)
    objective = built.model.objective or "none"
    return Proof(kind.name, objective, len(built.model.trees), report.rows, report.mismatches)


def explain_kind(kind: Kind) -> Explanation:
    """Train a model and compare its contributions; raises MismatchError beyond the bound."""
    return _explain(kind.name, build(loaded_text(kind.text(1)), MissingChoice()), None)


def explain_case(case: Case) -> Explanation:
    """Compare the contributions of a model at hand, on its own rows too; raises ConvertError."""
    loaded, carried = open_model(case.model, case.num_iteration)
    built = build(loaded, MissingChoice(), carried, evidence_of(case.rows, loaded))
    return _explain(case.name, built, raw_rows(case.rows, built) if case.rows else None)


def _explain(name: str, built: Built, reference: Floats | None) -> Explanation:
    trees = len(built.model.trees)
    try:
        return Explanation(name, trees, explain(built, reference, lambda _: None).agreement)
    except UnsupportedModelError as error:
        return Explanation(name, trees, refused=str(error))


class Result(TypedDict):
    """The committed result: the versions compared, one proof a kind, and the contributions."""

    tools: dict[str, str]
    kinds: list[dict[str, Any]]
    contributions: list[dict[str, Any]]


def measure(cases: Sequence[Case] = ()) -> Result:
    """Prove every kind, and the contributions of those and of `cases`."""
    tools = ("lightgbm", "onnxruntime", "onnx", "numpy")
    explained = [*map(explain_kind, KINDS), *map(explain_case, cases)]
    return {
        "tools": {tool: version(tool) for tool in tools},
        "kinds": [asdict(prove(kind)) for kind in KINDS],
        "contributions": [asdict(each) for each in explained],
    }


def render(result: Result) -> str:
    """Return the result as Markdown."""
    tools = result["tools"]
    proofs = [Proof(**kind) for kind in result["kinds"]]
    total, differ = sum(p.rows for p in proofs), sum(p.differ for p in proofs)
    rows = [f"| {p.kind} | `{p.objective}` | {p.trees} | {p.rows:,} | {p.differ} |" for p in proofs]
    total_row = f"| **all** | | | **{total:,}** | **{differ}** |"
    explained = [_explained(each) for each in result["contributions"]]
    return "\n".join([*_head(tools), *rows, total_row, *CONTRIBUTIONS, *explained, ""])


def _explained(each: dict[str, Any]) -> str:
    if each["agreement"] is None:
        return f"| {each['model']} | {each['trees']} | none: {each['refused']} | | | | |"
    found = Agreement(**each["agreement"])
    differences = (found.largest, found.missed, found.lightgbm_missed)
    cells = " | ".join(f"{x:.1e}" if x else "0" for x in differences)
    return f"| {each['model']} | {each['trees']} | {found.rows} | {cells} | {found.reordered} |"


CONTRIBUTIONS = [
    "",
    "## Contributions",
    "",
    "What each feature contributes to the raw score, compared with LightGBM's `pred_contrib`, by"
    " the reference in numpy whose bits the server's C gives ([bundle.md](bundle.md#coversbin))."
    " Half of the rows are usual ones, half adversarial. Differences are relative to 1 and the sum"
    " of all contributions of the row without their signs.",
    "",
    "| model | trees | rows | largest difference | our sums miss the raw score by | LightGBM's by"
    " | rows with another order of the largest four |",
    "|---|---:|---:|---:|---:|---:|---:|",
]


def _head(tools: dict[str, str]) -> list[str]:
    named = ", ".join(f"{tool} {number}" for tool, number in tools.items())
    return [
        "# Fidelity",
        "",
        "Every kind of model LightGBM trains, trained small, converted, and compared with LightGBM"
        " bit for bit: raw score and prediction, one thread each.",
        "Rows sit on every split's threshold, one ulp either side of it, at NaN, zero, denormals,"
        " 1e-35, infinities, and on every category, unseen, negative and fractional ones.",
        "",
        f"Written by `python -m convert fidelity`. {named}.",
        "",
        "| kind | objective | trees | rows compared | rows that differ |",
        "|---|---|---:|---:|---:|",
    ]


def write(folder: Path, result: Result) -> None:
    """Write the result and its table; raises OptionError."""
    try:
        (folder / RESULT).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (folder / TABLE).write_text(render(result), encoding="utf-8")
    except OSError as error:
        raise OptionError(f"--out {folder}: {error.strerror}") from error
