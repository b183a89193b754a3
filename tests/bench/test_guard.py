"""The guard compares ratios: a slower machine passes, a slower server does not."""

from pathlib import Path

import pytest

from bench import guard, result


def rows(ours: float, empty: float) -> list[result.Row]:
    """Processor times and rates of both servers, as microseconds an answer."""
    return [
        {"model": "500x31", "subject": subject, "connections": connections, "cpu_us": cost,
         "p50_us": cost, "per_second": 1e6 / cost}
        for subject, cost in (("json", ours), ("starlette", empty))
        for connections in (1, 32)
    ]  # fmt: skip


def write(folder: Path, name: str, found: list[result.Row]) -> Path:
    result.write(result.make(name, True, {}, found), folder)
    return folder


def run(measured: Path, committed: Path) -> int:
    return guard.main(["--measured", str(measured), "--committed", str(committed)])


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    return write(tmp_path / "committed", "saturation", rows(ours=100, empty=40))


@pytest.mark.parametrize("slower", [0.1, 1.0, 7.0])
def test_a_faster_or_slower_machine_passes(tmp_path: Path, committed: Path, slower: float) -> None:
    measured = write(tmp_path / "now", "saturation", rows(100 * slower, 40 * slower))
    assert run(measured, committed) == 0


def test_a_server_that_costs_more_than_twice_as_much_against_an_empty_one_fails(
    tmp_path: Path, committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write(tmp_path / "bad", "saturation", rows(210, 40)), committed) == 1
    assert capsys.readouterr().out.count("WORSE") == 3
    assert run(write(tmp_path / "good", "saturation", rows(190, 40)), committed) == 0


def test_a_ratio_that_gets_better_passes(tmp_path: Path, committed: Path) -> None:
    assert run(write(tmp_path / "now", "saturation", rows(10, 40)), committed) == 0


def test_an_engine_that_got_slower_against_lightgbm_fails(tmp_path: Path) -> None:
    def engines(bound: float) -> list[result.Row]:
        times = {"bound": bound, "single-row-fast": 30.0}
        return [{"model": "m", "engine": name, "p50_us": p50} for name, p50 in times.items()]

    committed = write(tmp_path / "committed", "ladder", engines(20.0))
    assert run(write(tmp_path / "now", "ladder", engines(41.0)), committed) == 1
    assert run(write(tmp_path / "now", "ladder", engines(39.0)), committed) == 0


def test_nothing_to_compare_is_not_a_pass(tmp_path: Path, committed: Path) -> None:
    assert run(tmp_path, committed) == 2
    other = [{**row, "model": "another"} for row in rows(100, 40)]
    assert run(write(tmp_path / "now", "saturation", other), committed) == 2


def test_a_damaged_result_is_one_line(
    tmp_path: Path, committed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "saturation.json").write_text("{")
    assert run(tmp_path, committed) == 2
    assert "saturation.json" in capsys.readouterr().err


def test_every_ratio_is_of_rows_that_the_suite_measures() -> None:
    """A renamed subject, engine or stage must not silence the guard."""
    from bench import stages
    from bench.ladder.engines import ENGINES
    from bench.load import subjects

    known = {
        "subject": {each.name for each in subjects.SUBJECTS},
        "engine": set(ENGINES),
        "stage": {*stages.STAGES, "whole request"},
    }
    for ratio in guard.RATIOS:
        for where in (ratio.ours, ratio.against):
            assert all(value in known[key] for key, value in where.items() if key in known), where
