"""BENCHMARKS.md is what the result files say, no more."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import result
from bench.report import budget, markdown, plots, readme, sections, summary, tables

ROOT = Path(__file__).parents[2]
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


def http_row(subject: str, connections: int, cost: float) -> result.Row:
    return {"model": "500x31", "subject": subject, "label": subject.upper(), "kind": "peer",
            "connections": connections, "per_second": 1e6 / cost, "p50_us": cost, "cpu_us": cost,
            "spread": 0.0, "memory_mib": 55.0, "flips": 0}  # fmt: skip


def http_rows(**costs: float) -> list[result.Row]:
    return [http_row(name, count, cost) for name, cost in costs.items() for count in (1, 32)]


def test_the_summary_compares_ours_with_each_peer(tmp_path: Path) -> None:
    broken = {"model": "500x31", "subject": "ray", "label": "RAY", "kind": "peer", "error": "no"}
    write(tmp_path, "peers", [*http_rows(json=100, mlserver=1500), broken])
    table = summary.table(tmp_path).splitlines()
    assert table[2] == "| JSON | 10,000 | – | 100 | – | 100 | – | 55 | 0 |"
    assert table[3] == "| MLSERVER | 667 | 15 | 1,500 | 0.0667 | 1,500 | 0.0667 | 55 | 0 |"
    assert len(table) == 4, "who could not be measured stands below, with the error"
    assert "- RAY, 500x31: `no`" in markdown.render(tmp_path)
    assert table[0].count("|") == table[1].count("|") == table[3].count("|")


def test_the_summary_takes_the_run_with_the_peers_before_the_one_without(tmp_path: Path) -> None:
    write(tmp_path, "saturation", http_rows(json=50, starlette=25))
    assert "STARLETTE" in summary.table(tmp_path)
    write(tmp_path, "peers", http_rows(json=100, mlserver=1500))
    assert "STARLETTE" not in summary.table(tmp_path)


def test_without_ours_there_is_no_summary(tmp_path: Path) -> None:
    assert summary.table(tmp_path) == ""
    write(tmp_path, "saturation", http_rows(starlette=25))
    assert summary.table(tmp_path) == ""


def test_the_table_in_the_readme_is_rendered_from_the_committed_results() -> None:
    document = readme.PATH.read_text()
    assert "<!-- bench: begin -->" in document
    assert readme.render(document) == document


def test_the_readme_keeps_all_but_the_table(tmp_path: Path) -> None:
    write(tmp_path, "peers", http_rows(json=100, mlserver=1500))
    before = "head\n<!-- bench: begin -->\nold\n<!-- bench: end -->\ntail\n"
    after = readme.render(before, tmp_path)
    assert after.startswith("head\n<!-- bench: begin -->\n| ")
    assert after.endswith("<!-- bench: end -->\ntail\n")
    assert "old" not in after
    assert readme.render(after, tmp_path) == after
    with pytest.raises(result.ResultError, match="wanted one <!-- bench: begin -->"):
        readme.render("no marks", tmp_path)


def test_the_budget_compares_stages_with_the_request(tmp_path: Path) -> None:
    assert budget.section(tmp_path) == ""
    stages = {"sum of stages": 50.0, "whole request": 48.0}
    write(tmp_path, "stages", [{"model": "500x31", "stage": name, "p50_us": value}
                               for name, value in stages.items()])  # fmt: skip
    assert "| 500x31 | 50 | 48 | 1.04 |" in budget.section(tmp_path)


def leaves(value: object) -> Iterator[object]:
    """Yield every plain value in a JSON document."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    else:
        yield value


def test_every_number_in_a_table_stands_in_a_result_file() -> None:
    """In the tables rendered straight from results; the derived ones are tested above."""
    written = {tables.NOTHING}
    for table in sections.TABLES:
        found = result.read(table.result)
        for value in leaves(found.rows if found else []):
            written |= {str(value)} | {
                form(value) for form in (tables.number, tables.tiny, tables.percent)
            }
    document = markdown.render()
    for derived in (summary.table(result.FOLDER), budget.section(result.FOLDER)):
        assert derived in document
        document = document.replace(derived, "")
    bodies = re.findall(r"^\| --- .*\n((?:\| .*\n)+)", document, flags=re.M)
    cells = [cell for line in "".join(bodies).splitlines() for cell in line[2:-2].split(" | ")]
    assert cells
    assert [cell for cell in cells if cell not in written] == []


def test_every_plot_draws_what_its_table_shows(tmp_path: Path) -> None:
    """Cost against each axis, and open load with and without a p99."""
    axes = [{"axis": axis, "model": "m", "trees": 5, "features": 9, "batch": 1, "p50_us": 4.0,
             "applicant_us": 4.0, "engine_us": 1.0} for axis in plots.AXES]  # fmt: skip
    write(tmp_path, "cost", [dict(each) for each in axes])
    point = {"model": "m", "label": "one", "kind": "ours", "offered": 100.0, "p50_us": 3.0}
    few = {**point, "p99_us": None}
    none = {**few, "p50_us": None}
    write(tmp_path, "latency", [{**few, "share": 0.5}, {**none, "share": 0.8}])
    drawn = plots.draw_all(tmp_path)
    assert [each.name for each in drawn] == ["cost.svg", "latency.svg"]
    assert "applicants in a request" in drawn[0].read_text()
    assert ">one<" in drawn[1].read_text()


def test_long_tables_are_folded_below_the_sentence_and_the_short_one(tmp_path: Path) -> None:
    rows = [{"model": model, "stage": stage, "p50_us": 4.0, "p90_us": 5.0}
            for model in ("1x2", "3x4") for stage in ("run", "whole request")]  # fmt: skip
    write(tmp_path, "stages", rows)
    document = markdown.render(tmp_path)
    parts = ("In process a request takes 4 µs (3x4)", "| half within, µs | 1x2 | 3x4 |",
             "<details>", "| 1x2 | run | 4 | 5 |", "</details>")  # fmt: skip
    places = [document.index(part) for part in parts]
    assert places == sorted(places)
