"""Every kind of model LightGBM trains, bit for bit, and the table that says so."""

import json
from pathlib import Path

import pytest

from convert.prove.fidelity import prove, render
from convert.prove.kinds import KINDS, Kind

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_exact_on_another_seed_than_the_table_shows(kind: Kind) -> None:
    proof = prove(kind, seed=2)
    assert proof.rows > 1000
    assert proof.differ == 0


def test_the_table_is_rendered_from_the_committed_result() -> None:
    result = json.loads((DOCS / "fidelity.json").read_bytes())
    assert render(result) == (DOCS / "fidelity.md").read_text(encoding="utf-8")
    assert [kind["kind"] for kind in result["kinds"]] == [kind.name for kind in KINDS]
