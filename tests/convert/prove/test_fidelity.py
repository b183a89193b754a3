"""Every kind of model LightGBM trains, bit for bit, and the table that says so."""

import json
from pathlib import Path

import pytest

from convert.prove.checking import cases_of
from convert.prove.fidelity import explain_case, prove, render
from convert.prove.kinds import KINDS, Kind
from tests.shared_data import shared

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
    explained = [each["model"] for each in result["contributions"]]
    assert explained[: len(KINDS)] == [kind.name for kind in KINDS]


def test_the_contributions_of_every_real_model_are_lightgbms_or_refused_by_name() -> None:
    cases = list(cases_of(shared("real-models", "cases.json"), None))
    explained = [explain_case(case) for case in cases]
    assert len(explained) == 17
    assert [each.model for each in explained if each.refused] == ["boosters-linear_tree"]
    for each in explained:
        if each.agreement:
            assert each.agreement.largest < 1e-12
            assert each.agreement.missed < 1e-14
            assert each.agreement.reordered == 0
