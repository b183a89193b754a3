"""The worst case of a megabyte: measured for real, its tables those of the committed results."""

import pytest

from bench import result
from bench.marks import filled
from bench.workload.adversarial import shapes
from bench.worst_case import BEFORE, DOCUMENT, NAME, measure, table, target_of
from tests.conftest import ROOT

MODEL = ROOT / "models" / "credit-express"
SHAPES = (
    "JSON: many names twice", "JSON: batches of 1000, empty", "MessagePack: in a value: ext",
    "MessagePack: in a value: deep", "OIP JSON: a long id, 1000", "OIP binary: one output 1000",
)  # fmt: skip


def test_the_tables_in_the_document_are_rendered_from_the_committed_results() -> None:
    document, now = DOCUMENT.read_text(), result.read(NAME)
    assert now is not None
    assert filled(document, NAME, table(now, result.read(BEFORE))) == document
    wanted = shapes(target_of(MODEL / "1", MODEL / "applicant.json"))
    assert [(row["codec"], row["shape"]) for row in now.rows] == [*wanted]


@pytest.mark.parametrize("only", SHAPES)
def test_every_shape_is_answered_and_has_its_figures(only: str) -> None:
    rows = measure(MODEL / "1", MODEL / "applicant.json", ROOT, (20_000,), only)
    assert all(row["cpu_ms"] > 0 and row["answer_mb"] > 0 for row in rows)
    found = result.make(NAME, True, {}, rows)
    assert table(found, found).count("\n| ") == len(rows) + len({row["codec"] for row in rows})


@pytest.mark.parametrize("codec", ["JSON", "MessagePack", "OIP JSON", "OIP binary"])
def test_a_shape_is_about_as_large_as_it_is_asked_for(codec: str) -> None:
    target = target_of(MODEL / "1", MODEL / "applicant.json")
    for (of, name), shape in shapes(target).items():
        if of == codec:
            sent = sum(map(len, shape(400_000)))
            assert 0.5 * 400_000 < sent < 2 * 400_000, name
