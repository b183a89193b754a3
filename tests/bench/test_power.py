"""False alarms and missed drift: the small study here, the committed one held to its claims."""

import msgspec
import pytest

from bench.power import committed as results
from bench.power import page, plot, scale, study
from bench.power.provenance import Provenance
from bench.power.study import EVIDENTLY, FIXED, NO_DRIFT, OURS, Cell
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
# What the significance test found against a reference of 10,000 rows: the least we accept.
SEEN = {
    "normal +0.1 sd": 10_000,
    "normal +0.25 sd": 1_000,
    "missing 2 -> 5 %": 10_000,
    "missing 2 -> 10 %": 1_000,
    "missing 2 -> 50 %": 1_000,
    "reference has two 1e9, then +1 log-sd": 1_000,
    "category 5 points A to B": 10_000,
}


@pytest.fixture(scope="module")
def small() -> study.Study:
    """Twenty seeds, our methods alone."""
    return study.run([1_000, 10_000], [10_000], seeds=20, with_evidently=False)


@pytest.fixture(scope="module")
def committed() -> study.Study:
    return results.read(DOCS / results.POWER_JSON, study.Study)


def cell(result: study.Study, change: str, rows: int, reference: int = 10_000) -> Cell:
    return next(
        c for c in result.cells if (c.change, c.rows, c.reference_rows) == (change, rows, reference)
    )


def test_nothing_is_taken_for_drift_and_drift_is_seen(small: study.Study) -> None:
    for rows in (1_000, 10_000):
        assert cell(small, NO_DRIFT, rows).flagged[OURS] <= 2
        assert cell(small, "two values of 1e9, no drift", rows).flagged[OURS] == 0
    for change, rows in SEEN.items():
        assert cell(small, change, rows).flagged[OURS] >= 19, change


def test_a_fixed_threshold_misses_what_significance_sees(small: study.Study) -> None:
    """That the study can tell methods apart."""
    for change in ("normal +0.1 sd", "category 5 points A to B", "missing 2 -> 5 %"):
        assert cell(small, change, 10_000).flagged[FIXED] == 0


def test_a_result_says_where_it_comes_from(small: study.Study) -> None:
    """Commit, machine and method stand in the file, and on the page rendered from it."""
    assert small.measured is not None
    assert small.measured.cpu
    assert small.measured.cores >= 1
    said = page.tables(small)
    assert f"at commit {small.measured.commit} on {small.measured.cpu}" in said
    assert small.method in said
    assert "Evidently's part" not in said


def test_evidentlys_part_of_an_earlier_run_is_told_apart(committed: study.Study) -> None:
    """Ours may be measured again in minutes, its hour not."""
    later = Provenance("2026-11-25", "abc", "a processor", 2, "Linux", 0.0)
    again = msgspec.structs.replace(committed, measured=later, evidently_measured=None)
    assert "Evidently's part is of an earlier run over the same rows, whose" in page.tables(again)


def test_one_run_of_the_study_flags_with_evidently_too() -> None:
    result = study.run([1_000], [1_000], seeds=1, with_evidently=True)
    assert result.evidently_measured == result.measured
    assert cell(result, "normal +0.5 sd", 1_000, 1_000).flagged[EVIDENTLY] == 1
    assert cell(result, "missing 2 -> 10 %", 1_000, 1_000).flagged[EVIDENTLY] == 0


def test_the_committed_study_keeps_the_promise(committed: study.Study) -> None:
    """At least 100 seeds, 30 columns: false alarms in at most 5 % of runs, at every size."""
    assert committed.seeds >= 100
    assert committed.columns == 30
    quiet = [c for c in committed.cells if c.change == NO_DRIFT]
    assert {c.rows for c in quiet} == {1_000, 10_000, 100_000}
    for c in quiet:
        assert c.flagged[OURS] <= 0.05 * c.runs, c
    for change, rows in SEEN.items():
        for more in (n for n in (1_000, 10_000, 100_000) if n >= rows):
            assert cell(committed, change, more).flagged[OURS] == committed.seeds, (change, more)


def test_the_committed_study_shows_evidentlys_defaults_beside(committed: study.Study) -> None:
    for rows in (1_000, 10_000, 100_000):
        assert cell(committed, "two values of 1e9, no drift", rows).flagged[EVIDENTLY] > 90
        assert cell(committed, "missing 2 -> 50 %", rows).flagged[EVIDENTLY] < 30
    assert cell(committed, NO_DRIFT, 1_000, 1_000).flagged[EVIDENTLY] > 50


def test_the_page_is_rendered_from_the_committed_results(committed: study.Study) -> None:
    assert (DOCS / results.PAGE).read_text() == results.rendered(DOCS)


def test_the_plot_is_drawn_from_the_committed_result(committed: study.Study) -> None:
    """Its every number; the lines are matplotlib's, and change with its version."""
    drawn, kept = plot.svg(committed), (DOCS / results.PLOT).read_text()
    assert drawn.count("<text") == kept.count("<text")
    assert plot.svg(committed) == drawn


def test_the_committed_scale_keeps_the_promise() -> None:
    """A verdict within five plain passes; a report of 500,000 x 120 rows in under a minute."""
    committed = results.read(DOCS / results.SCALE_JSON, scale.Scale)
    costs = {(c.rows, c.columns, c.part): c for c in committed.costs}
    for rows, columns in ((500_000, 120), (1_000_000, 30)):
        plain, verdict = (costs[rows, columns, part] for part in ("plain pass", "verdict"))
        assert verdict.cpu_s <= 5 * plain.cpu_s
        assert costs[rows, columns, "verdict and report"].wall_s < 60
        assert verdict.peak_mb < 2000


def test_a_scale_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """A small one, every part in a process of its own."""
    assert scale.main(["--shapes", "2000x5"]) == 0
    assert capsys.readouterr().out.count("| 2,000 x 5 |") == len(scale.PARTS)
