"""BENCHMARKS.md is what the result files say, no more."""

import re
from pathlib import Path

import pytest

from bench import result
from bench.report import markdown, plots, sections

ROOT = Path(__file__).parent.parent
ROW = {"model": "1x2", "label": "one", "stage": "run", "p50_us": 1.25, "p99_us": None}


def write(folder: Path, name: str, rows: list[result.Row]) -> None:
    result.write(result.make(name, True, {"rounds": 3}, rows), folder)


def test_the_committed_document_is_rendered_from_the_committed_results() -> None:
    assert (ROOT / "BENCHMARKS.md").read_text() == markdown.render()


def test_the_committed_plots_are_drawn_from_the_committed_results(tmp_path: Path) -> None:
    """The same results give the same bytes."""
    for table in sections.TABLES:
        found = result.read(table.result)
        if found is not None:
            result.write(found, tmp_path)
    for drawn in plots.draw_all(tmp_path):
        assert drawn.read_bytes() == (result.FOLDER / drawn.name).read_bytes(), drawn.name


def test_a_plot_that_is_shown_exists() -> None:
    for shown in re.findall(r"\]\((bench/results/\S+\.svg)\)", markdown.render()):
        assert (ROOT / shown).is_file()


def test_a_number_changed_in_a_result_changes_the_document(tmp_path: Path) -> None:
    write(tmp_path, "stages", [ROW])
    before = markdown.render(tmp_path)
    write(tmp_path, "stages", [{**ROW, "p50_us": 2.5}])
    assert "| run | 1.25 |" in before
    assert "| run | 2.5 |" in markdown.render(tmp_path)


def test_what_was_not_measured_says_so(tmp_path: Path) -> None:
    assert "Not measured yet: `python -m bench --only ladder`." in markdown.render(tmp_path)


def test_what_could_not_be_measured_stands_there_with_its_error(tmp_path: Path) -> None:
    write(tmp_path, "stages", [ROW, {"model": "1x2", "label": "two", "error": "no such file"}])
    assert "- two, 1x2: `no such file`" in markdown.render(tmp_path)


def test_the_header_tells_host_commit_and_method(tmp_path: Path) -> None:
    write(tmp_path, "stages", [ROW])
    found = result.read("stages", tmp_path)
    assert found is not None
    said = markdown.render(tmp_path)
    for word in (found.commit, found.host.cpu, "rounds 3", "Quick form", "lightgbm"):
        assert word in said


def test_a_result_that_is_not_whole_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "stages.json").write_text('{"name": "stages"}')
    with pytest.raises(result.ResultError, match=r"stages\.json: Object missing required field"):
        result.read("stages", tmp_path)
