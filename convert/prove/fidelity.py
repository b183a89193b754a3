"""`python -m convert fidelity`: train, convert and compare every kind of model; write a table."""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

from ..errors import OptionError
from ..model.features import MissingChoice
from ..read.loading import loaded_text
from .building import build
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


def prove(kind: Kind, seed: int = 1) -> Proof:
    """Train, convert and compare; raises MismatchError at the first differing bit."""
    built = build(loaded_text(kind.text(seed)), MissingChoice())
    report = verify(built.subject, built.model, None, lambda _: None)
    objective = built.model.objective or "none"
    return Proof(kind.name, objective, len(built.model.trees), report.rows, report.mismatches)


class Result(TypedDict):
    """The committed result: the versions compared, and one proof for each kind."""

    tools: dict[str, str]
    kinds: list[dict[str, Any]]


def measure() -> Result:
    """Prove every kind."""
    tools = ("lightgbm", "onnxruntime", "onnx", "numpy")
    proofs = [asdict(prove(kind)) for kind in KINDS]
    return {"tools": {tool: version(tool) for tool in tools}, "kinds": proofs}


def render(result: Result) -> str:
    """Return the result as Markdown."""
    tools = result["tools"]
    proofs = [Proof(**kind) for kind in result["kinds"]]
    total, differ = sum(p.rows for p in proofs), sum(p.differ for p in proofs)
    rows = [f"| {p.kind} | `{p.objective}` | {p.trees} | {p.rows:,} | {p.differ} |" for p in proofs]
    return "\n".join([*_head(tools), *rows, f"| **all** | | | **{total:,}** | **{differ}** |", ""])


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
